"""What `bulkagent` alone says: the first three commands to type."""

from __future__ import annotations

from bulkagent.language import mark, translate

FIRST_COMMANDS = (
    (
        "bulkagent check shift.csv",
        mark("See what a file of agents would set; one column, agent_id, is enough."),
    ),
    (
        "bulkagent apply shift.csv --flag 1 --gateway emulated",
        mark("Try it on a gateway inside the command; nothing leaves this machine."),
    ),
    ("bulkagent guide start", mark("Read how to set the agents of a real gateway.")),
)
"""Each with what it is good for."""


def first_commands() -> str:
    """What the program is, what to type first, and where the rest is."""
    sets = translate(
        "Sets whether contact-centre agents answer inbound calls, a whole shift at once."
    )
    text = [sets, "", translate("Type first:"), ""]
    for command, purpose in FIRST_COMMANDS:
        text.extend((f"  {command}", f"        {translate(purpose)}"))
    return "\n".join([*text, "", translate("`bulkagent --help` lists all commands.")])
