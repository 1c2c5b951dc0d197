"""Callers as the audit log names them: by role, and by an identifier that is no name."""

from typing import assert_never

from control.audit.chain import Reference
from control.errors import NotLoggedInError
from control.identity.callers import Caller, Integrator, LoggedIn, Nobody
from control.identity.roles import Role


def actor(caller: Caller) -> Reference:
    """Who acts (raises NotLoggedInError for nobody: what is in the log was done by somebody)."""
    match caller:
        case LoggedIn(person=person, role=role):
            return Reference(role, person)
        case Integrator(name=name):
            return Reference(Role.INTEGRATOR, name)
        case Nobody():
            raise NotLoggedInError("log in first")
        case _:
            assert_never(caller)
