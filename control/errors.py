"""What control can refuse; every error has a stable `code`, and those that reach HTTP a status."""


class ControlError(Exception):
    """Base of all errors of this package."""

    code = "control_error"
    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


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
