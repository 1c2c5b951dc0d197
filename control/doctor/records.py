"""Looks at what records depend on: the secret keys, and the place of the audit log's checkpoints."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from control.config import Settings
from control.doctor.findings import Finding, fail, ok, warn
from control.errors import SecretFileError
from control.identity.secrets import open_secrets
from signalling.errors import KeyFileError


def look_at_records(settings: Settings) -> Iterator[Finding]:
    """The findings in their order. Nothing is made: what the first start makes is not missed."""
    data = settings.data.directory
    own = data / "secrets"
    if settings.secrets.directory is not None:
        yield _secrets(settings.secrets.directory, data)
    elif own.exists():
        yield _secrets(own, data)
    if settings.audit.checkpoint_sink is not None:
        yield _sink(settings.audit.checkpoint_sink, data)


def _secrets(directory: Path, data: Path) -> Finding:
    check = "secret keys"
    try:
        open_secrets(directory, data)
    except (SecretFileError, KeyFileError) as error:
        advice = f"restore them, or for a new installation: venterom secrets {directory}, as the user of the service"
        return fail(check, f"{directory}: {error.message}", advice)
    return ok(check, f"{directory}: private and readable")


def _sink(sink: Path, data: Path) -> Finding:
    """A checkpoint that lies beside the database is taken away with it."""
    check = "audit checkpoints"
    try:
        with tempfile.NamedTemporaryFile(dir=sink, prefix=".doctor-"):
            same = data.exists() and sink.stat().st_dev == data.stat().st_dev
    except OSError as error:
        return fail(check, f"{sink}: {error.strerror}", "mount it, writable for the user of the service")
    if same:
        return warn(check, f"{sink} is on the same disk as the data", "a folder of another host, mounted there")
    return ok(check, f"{sink}: writable, on another file system")
