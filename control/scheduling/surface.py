"""How patient and practitioner meet."""

from enum import StrEnum


class Surface(StrEnum):
    """The contact surface of a type, a slot or an appointment; the appointment's own one wins."""

    PHYSICAL = "physical"
    VIDEO = "video"
    TELEPHONE = "telephone"
