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
    """The server starts or stops."""

    code = "not_ready"
    status = 503
