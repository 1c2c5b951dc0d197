"""What control can refuse; every error has a stable `code`, and those that reach HTTP a status."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar


class ControlError(Exception):
    """Base of all errors of this package.

    `members` is what a program needs beside the code (`opens_at`, `acr`, `obstacles`): values that JSON can hold, or
    aware datetimes. Neither they nor the message ever hold what a caller sent.
    """

    code: ClassVar[str] = "control_error"
    status: ClassVar[int] = 500
    schemas: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})
    """The JSON schema of each of the members, for readers of the interface."""

    def __init__(self, message: str, **members: object) -> None:
        super().__init__(message)
        self.message = message
        self.members: Mapping[str, object] = members


class ConfigError(ControlError):
    """The configuration can't be used; the message names the keys, never their values."""

    code = "config_invalid"


class AddressInUseError(ControlError):
    """A port that we are to listen on belongs to somebody else."""

    code = "address_in_use"


class BadRequestError(ControlError):
    """The body of a request is not what the interface asks for."""

    code = "bad_request"
    status = 400


class InvalidInputError(ControlError):
    """The request has the right form and a value that can't be meant; `errors` names each by place and code."""

    code = "invalid_input"
    status = 422
    schemas: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code"],
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901, within the body; a query's is its name"},
                    "code": {"type": "string"},
                },
            },
        }
    }


class NotLoggedInError(ControlError):
    """Nobody is logged in, or not any longer."""

    code = "not_logged_in"
    status = 401


class ForbiddenError(ControlError):
    """Who is logged in may not do this in this role."""

    code = "forbidden"
    status = 403


class NotFoundError(ControlError):
    """There is no such thing, or it belongs to another clinic: both look the same from outside."""

    code = "not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__("there is no such thing here")


class PreconditionFailedError(ControlError):
    """Somebody else has changed it since it was read."""

    code = "precondition_failed"
    status = 412


class IdempotencyConflictError(ControlError):
    """The same idempotency key came with another request before."""

    code = "idempotency_conflict"
    status = 422


class IdempotencyBusyError(ControlError):
    """The first request with this idempotency key is still being answered."""

    code = "idempotency_busy"
    status = 409


class ForeignOriginError(ControlError):
    """A page of another site asked; browsers must not lend it their user's rights."""

    code = "origin_forbidden"
    status = 403


class LinkUnknownError(ControlError):
    """The link was never given out, or is gone."""

    code = "link_unknown"
    status = 404


class NotReadyError(ControlError):
    """Nobody new is taken; `code` says why."""

    code = "not_ready"
    status = 503


class StartingError(NotReadyError):
    """The server starts."""

    code = "starting"


class DrainingError(NotReadyError):
    """The server stops; people's pages come back to the next one."""

    code = "draining"


class OverloadedError(NotReadyError):
    """No new rooms are opened; those that are open go on."""

    code = "overloaded"


class StorageUnavailableError(NotReadyError):
    """The disk takes no journal, so nobody is let in."""

    code = "storage_unavailable"


class MediaEndedError(ControlError):
    """The media thread met a bug and ended. A new process is better than one without media."""

    code = "media_ended"


class MetricsForbiddenError(ControlError):
    """Metrics are not for everybody."""

    code = "metrics_forbidden"
    status = 403


class NationalNumberError(ControlError):
    """Not a national identity number. The message never tells what was given."""

    code = "national_number_invalid"
    status = 422


class SyntheticNumberError(NationalNumberError):
    """The number of a made-up person, where only real ones are taken."""

    code = "national_number_synthetic"


class SecretFileError(ControlError):
    """A file of secret keys can't be used; the message names it, and none of its keys."""

    code = "secret_invalid"

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")


class SecretPermissionsError(SecretFileError):
    """Others than its owner may read a file of secret keys."""

    code = "secret_permissions"


class SealError(ControlError):
    """A sealed number, or a pseudonym, is not what was made for the row that it stands in."""

    code = "seal_broken"


class SealKeyUnknownError(SealError):
    """The key by which a pseudonym or a sealed number was made is in no file."""

    code = "seal_key_unknown"


class BackupError(ControlError):
    """A backup that can't be taken, or not be brought back."""

    code = "backup_failed"


class DatabaseInUseError(ControlError):
    """Somebody is connected to a database that is to be replaced."""

    code = "database_in_use"


class WitnessError(ControlError):
    """The database was restored, and the sink of audit checkpoints doesn't know of it."""

    code = "restore_not_witnessed"


class DatabaseOutdatedError(ControlError):
    """The tables are not those of this version."""

    code = "database_outdated"


class ImportFileError(ControlError):
    """The file of a clinic can't be used; the message names places in it, never what stands there."""

    code = "import_invalid"


class ImportConflictError(ControlError):
    """The file of a clinic contradicts what is known already."""

    code = "import_conflict"
