"""Looks at what is on disk: keys, certificate, data directory."""

import datetime
import os
import shutil
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psutil
from cryptography import x509

from control.api.keys import ApiKeys
from control.config import Settings
from control.doctor.findings import Finding, fail, ok, warn
from control.errors import ConfigError
from signalling.config import TurnConfig
from signalling.errors import KeyFileError
from signalling.keys import SigningKey, parse_jwks
from signalling.turn import Turn

_SOON: Final = datetime.timedelta(days=14)
_NO_SPACE: Final = 64 << 20
_LITTLE_SPACE: Final = 1 << 30
_SLOW_DISK_S: Final = 0.1
_IN_MEMORY: Final = ("tmpfs", "ramfs")


def look_at_files(settings: Settings, wall: float) -> Iterator[Finding]:
    """The findings in their order; `wall` is seconds since 1970."""
    if settings.grants.keys is not None:
        yield _grant_keys(settings.grants.keys)
    if settings.http.tls_certificate is not None and settings.http.tls_key is not None:
        yield _certificate(settings.http.tls_certificate, settings.http.tls_key, settings.http.public_url, wall)
    if settings.signalling.turn is not None:
        yield _turn_secret(settings.signalling.turn)
    if settings.api.keys is not None:
        yield _api_keys(settings.api.keys)
    data = settings.data.directory
    yield _data(data)
    if (data / "node-key.pem").exists():
        yield _node_key(data / "node-key.pem")


def _grant_keys(path: Path) -> Finding:
    check = "grant keys"
    try:
        keys = parse_jwks(path.read_bytes())
        mode = path.stat().st_mode
    except OSError as error:
        return fail(check, f"{path}: {error.strerror}", f"venterom jwks --key grants.pem > {path}, readable for us")
    except KeyFileError as error:
        return fail(check, f"{path}: {error.message}", f"venterom jwks --key grants.pem > {path}")
    if mode & 0o022:
        return fail(check, f"{path}: others may write it, and so let anybody in", f"chmod go-w {path}")
    return ok(check, f"{path}: {len(keys)} usable")


def _turn_secret(config: TurnConfig) -> Finding:
    section = "the section TURN of docs/operations.md says how it is made"
    return _private(
        "TURN secret",
        config.secret,
        lambda _: Turn.read(config),
        absent=section,
        broken=section,
        exposed="and so use the TURN server",
    )


def _api_keys(path: Path) -> Finding:
    check = "API keys"
    try:
        ApiKeys.read(path)
        mode = path.stat().st_mode
    except ConfigError as error:
        return fail(check, error.message, "the section The interface of docs/operations.md shows one")
    if mode & 0o022:
        return fail(check, f"{path}: others may write it, and so let any program in", f"chmod go-w {path}")
    return ok(check, f"{path}: usable")


def _node_key(path: Path) -> Finding:
    return _private(
        "node key",
        path,
        SigningKey.read,
        absent="run the doctor as the user of the service",
        broken="restore it, or move it away: a new one makes all seats void",
        exposed="and the server refuses to start",
    )


def _private(
    check: str, path: Path, read: Callable[[Path], object], *, absent: str, broken: str, exposed: str
) -> Finding:
    """A file that nobody else may read. `absent` and `broken` are what to do, `exposed` is what follows if they may."""
    try:
        mode = path.stat().st_mode
        read(path)
    except OSError as error:
        return fail(check, f"{path}: {error.strerror}", absent)
    except KeyFileError as error:
        return fail(check, f"{path}: {error.message}", broken)
    if mode & 0o077:
        return fail(check, f"{path}: others may read it, {exposed}", f"chmod 600 {path}")
    return ok(check, f"{path}: private and readable")


def _certificate(path: Path, key: Path, public_url: str | None, wall: float) -> Finding:
    check = "certificate"
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path, key)
        chain = x509.load_pem_x509_certificates(path.read_bytes())
        mode = key.stat().st_mode
    except ssl.SSLError:
        return fail(check, "certificate and key are not of each other", "http.tls_certificate and http.tls_key")
    except OSError as error:
        return fail(check, f"{error.filename or path}: {error.strerror}", "both readable for the service's user")
    except ValueError:
        return fail(check, f"{path}: no certificate in PEM", "PEM, the server's own first, then the chain")
    own = chain[0]
    now = datetime.datetime.fromtimestamp(wall, datetime.UTC)
    until = own.not_valid_after_utc
    if now > until:
        return fail(check, f"expired on {until:%Y-%m-%d}", "renew it, then systemctl restart venterom")
    if now < own.not_valid_before_utc:
        return fail(check, f"not valid before {own.not_valid_before_utc:%Y-%m-%d %H:%M} UTC", "wait, or set the clock")
    if mode & 0o007:
        return fail(check, f"{key}: everybody may read the key", f"chmod o-rwx {key}")
    host = None if public_url is None else urlsplit(public_url).hostname
    if host is not None and not _is_for(own, host):
        return fail(check, f"it is not for {host}", "a certificate with the name of http.public_url")
    if now + _SOON > until:
        return warn(check, f"expires on {until:%Y-%m-%d}", "renew it, then systemctl restart venterom")
    return ok(check, f"good until {until:%Y-%m-%d}")


def _is_for(certificate: x509.Certificate, host: str) -> bool:
    """Whether a browser takes it for that host (RFC 9525): by an alternative name, a wildcard for one label."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    wild = f"*.{host.partition('.')[2]}"
    dns = {name.lower() for name in names.get_values_for_type(x509.DNSName)}
    return bool({host.lower(), wild.lower()} & dns) or host in map(str, names.get_values_for_type(x509.IPAddress))


def _data(directory: Path) -> Finding:
    """Writes a file there, as the journal does, and takes it away again."""
    check = "data directory"
    owner = f"install -d -m 0700 -o venterom -g venterom {directory}"
    if not directory.exists() and os.access(directory.resolve().parent, os.W_OK | os.X_OK):
        return ok(check, f"{directory} will be made at the first start")
    if not directory.is_dir():
        return fail(check, f"{directory} is not there, and cannot be made", owner)
    try:
        began = time.monotonic()
        with tempfile.NamedTemporaryFile(dir=directory, prefix=".doctor-") as trial:
            trial.write(b"journal")
            trial.flush()
            os.fsync(trial.fileno())
        took = time.monotonic() - began
        free = shutil.disk_usage(directory).free
        mode = directory.stat().st_mode
    except OSError as error:
        return fail(check, f"{directory}: {error.strerror}", f"{owner}, and run the doctor as that user")
    if free < _NO_SPACE:
        return fail(check, f"{directory}: {free >> 20} MiB free", "make room: with a full disk nobody is let in")
    if mode & 0o077:
        return warn(check, f"{directory}: others may look into it", f"chmod 700 {directory}")
    if _file_system(directory) in _IN_MEMORY:
        return warn(check, f"{directory} is in memory: lost at a reboot", "a directory on disk, as /var/lib/venterom")
    if free < _LITTLE_SPACE:
        return warn(check, f"{directory}: only {free >> 20} MiB free", "make room: with a full disk nobody is let in")
    if took > _SLOW_DISK_S:
        return warn(check, f"{directory}: a write took {took * 1000:.0f} ms", "a faster disk: admissions wait for it")
    return ok(check, f"{directory}: writable, {free >> 30} GiB free")


def _file_system(directory: Path) -> str:
    """The type of the file system that holds a directory."""
    resolved = directory.resolve()
    mounts = [mount for mount in psutil.disk_partitions(all=True) if resolved.is_relative_to(mount.mountpoint)]
    return max(mounts, key=lambda mount: len(mount.mountpoint)).fstype if mounts else ""
