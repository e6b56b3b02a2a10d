"""What people are told where any certificate is accepted."""

from __future__ import annotations


def insecure_warning(secrets: str) -> str:
    """The warning of a command that is given `--insecure`.

    Args:
        secrets: What the agents' requests carry, such as GUIDs.
    """
    return (
        "WARNING --insecure: any certificate is accepted; anyone who can redirect a packet can"
        f" collect these agents' {secrets}"
    )
