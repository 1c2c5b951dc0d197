"""What somebody is logged in as. Roles in a room are another matter: `signalling.roles`."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """One at a time: who is practitioner in one clinic and patient in another chooses."""

    ADMINISTRATOR = "administrator"
    SECRETARY = "secretary"
    PRACTITIONER = "practitioner"
    PATIENT = "patient"
    INTEGRATOR = "integrator"
    """A program: the clinic's journal system."""


STAFF: Final = frozenset({Role.ADMINISTRATOR, Role.SECRETARY, Role.PRACTITIONER})
"""The people who work in a clinic."""
