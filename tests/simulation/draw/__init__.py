"""Worlds from seeds: the same seed gives the same world, on every machine.

A seed chooses a profile, which is a class of trouble, and the profile says what is drawn: how many
agents and gateways, which settings differ from their defaults, which troubles there are. So each
class of trouble meets simple surroundings often, and all of them together sometimes.

- A new class of trouble is a row in `profiles.py`, of troubles that there are or of a new one.
- A new fault is a row in `faults.py`, and a new setting one in `choices.py`.
- What people, orchestrators and machines do is in `people.py`, `restarts.py` and `machine.py`.
"""

from tests.simulation.draw.drawing import draw

__all__ = ["draw"]
