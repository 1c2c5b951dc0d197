"""All settings: one TOML file, and the environment over it (`VENTEROM_HTTP__PORT=8443`). Unknown keys are refused.

Each package owns the type of its section; here they are only put together.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from control.api.config import ApiConfig
from control.errors import ConfigError
from control.identity.sessions import SessionsConfig
from control.overload import LimitsConfig
from sfu.config import MediaConfig
from signalling.config import SignallingConfig
from signalling.grant import DEFAULT_ISSUER

ENVIRONMENT_PREFIX = "VENTEROM_"
PLACEHOLDER: Final = "change-me"
"""How every secret of an example begins."""


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """Where pages, REST and WebSockets are served."""

    listen: tuple[str, ...] = ("0.0.0.0", "::")
    """Addresses to listen on; those of a family that this host lacks are passed over."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    public_url: str | None = None
    """How browsers reach us, `https://video.example.org`. Unset, as only a lab may leave it, pages of whatever host a
    request names are taken for ours."""

    tls_certificate: Path | None = None
    """PEM, with the chain. Both or neither of certificate and key."""

    tls_key: Path | None = None
    behind_proxy: bool = False
    """A reverse proxy in front of us speaks HTTPS with the browsers."""

    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks of the proxies whose X-Forwarded-For is believed; anybody else's is not."""

    @property
    def base_url(self) -> str:
        """What addresses that we give out begin with: never what a request says of itself."""
        scheme = "http" if self.tls_certificate is None else "https"
        return self.public_url or f"{scheme}://localhost:{self.port}"


@dataclass(frozen=True, slots=True)
class DataConfig:
    """What must outlive a restart: the node's keys and the journal."""

    directory: Path = Path("data")


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """Where clinics, patients and appointments are kept."""

    url: str | None = field(default=None, repr=False)
    """`postgresql://user@host/name`; unset, a SQLite file in the data directory."""

    password_file: Path | None = None
    """A file with the password, and nothing else, so that it stands in no settings."""


@dataclass(frozen=True, slots=True)
class SecretsConfig:
    """Where secret keys are: of identity numbers, links and audit checkpoints. No backup of the database has them."""

    directory: Path | None = None
    """A folder with the files that `venterom secrets` makes; unset, one in the data directory, made on first start."""


@dataclass(frozen=True, slots=True)
class AuditConfig:
    """The log of acts and views."""

    checkpoint_sink: Path | None = None
    """A folder for signed checkpoints, best on another host; unset, one in the data directory."""

    def directory(self, data: Path) -> Path:
        """Where checkpoints are, for an installation with this data directory."""
        return self.checkpoint_sink or data / "audit-checkpoints"


@dataclass(frozen=True, slots=True)
class WebConfig:
    """The pages."""

    root: Path | None = None
    """Another folder than the one that comes with the package."""


@dataclass(frozen=True, slots=True)
class LabConfig:
    """Lab links let people in without a login: never in production."""

    enabled: bool = False


@dataclass(frozen=True, slots=True)
class GrantsConfig:
    """Whose grants let people in."""

    issuer: str = DEFAULT_ISSUER
    """What those grants name as `iss`."""

    keys: Path | None = None
    """The issuer's public keys, a JWKS file; read again when it changes."""


@dataclass(frozen=True, slots=True)
class MetricsConfig:
    """Who may read `/metrics`."""

    token: Annotated[str | None, Field(min_length=16)] = field(default=None, repr=False)
    """What Prometheus sends as its bearer token; unset, only this host itself may read, and not through a proxy."""


class Settings(BaseModel):
    """The whole configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    http: HttpConfig = HttpConfig()
    data: DataConfig = DataConfig()
    database: DatabaseConfig = DatabaseConfig()
    secrets: SecretsConfig = SecretsConfig()
    audit: AuditConfig = AuditConfig()
    web: WebConfig = WebConfig()
    lab: LabConfig = LabConfig()
    grants: GrantsConfig = GrantsConfig()
    media: MediaConfig = MediaConfig()
    signalling: SignallingConfig = SignallingConfig()
    limits: LimitsConfig = LimitsConfig()
    metrics: MetricsConfig = MetricsConfig()
    api: ApiConfig = ApiConfig()
    sessions: SessionsConfig = SessionsConfig()


def load(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """Reads the file, where there is one, and lays the environment over it."""
    tree: dict[str, Any] = {}
    if path is not None:
        try:
            tree = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: {error}") from error
    for name, value in environment.items():
        if name.startswith(ENVIRONMENT_PREFIX):
            _lay(tree, name, value)
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ConfigError(faults) from error
    if (settings.http.tls_certificate is None) != (settings.http.tls_key is None):
        raise ConfigError("http.tls_certificate and http.tls_key go together")
    if settings.http.port and settings.http.port in (settings.media.port, *settings.media.tcp_ports):
        raise ConfigError("http.port is one of media.port and media.tcp_ports: media takes its ports on every address")
    url = settings.http.public_url
    if url is not None and (urlsplit(url).scheme not in ("http", "https") or urlsplit(url)[2:] != ("", "", "")):
        raise ConfigError("http.public_url must be a scheme and a host, as in https://video.example.org")
    return settings


def check_production(settings: Settings) -> None:
    """What a demo may do and a clinic must not."""
    if settings.lab.enabled:
        raise ConfigError("lab.enabled: lab links let people in without a login, so they are for demos alone")
    if settings.http.tls_certificate is None and not settings.http.behind_proxy:
        raise ConfigError(
            "http: plain HTTP; set tls_certificate and tls_key, or behind_proxy where a proxy speaks HTTPS"
        )
    if settings.http.behind_proxy and not (settings.http.public_url or "").startswith("https://"):
        raise ConfigError("http.public_url: behind a proxy the https address that browsers use must be told")
    if settings.http.public_url is None:
        raise ConfigError("http.public_url: links and cookies need an address that no request can make up")
    if settings.database.url is not None and urlsplit(settings.database.url).password is not None:
        raise ConfigError("database.url: the password belongs into a file of its own, database.password_file")
    for name, value in _secrets(settings):
        if value is not None and value.lower().startswith(PLACEHOLDER):
            raise ConfigError(f"{name}: still the example's, which everybody knows")


def check_media(settings: Settings) -> None:
    """What signalling and media need where there is no control beside them."""
    if settings.grants.keys is None:
        raise ConfigError("grants.keys: without the keys of an issuer of grants nobody can enter")


def _secrets(settings: Settings) -> Iterator[tuple[str, str | None]]:
    """What others must not know, by name. A file that can't be read says nothing here: its own reader will."""
    for number, server in enumerate(settings.signalling.ice_servers):
        yield f"signalling.ice_servers.{number}.credential", server.credential
    if settings.signalling.turn is not None:
        yield "signalling.turn.secret", _text(settings.signalling.turn.secret)
    yield "metrics.token", settings.metrics.token
    if settings.database.password_file is not None:
        yield "database.password_file", _text(settings.database.password_file)


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "replace").strip()
    except OSError:
        return None


def _lay(tree: dict[str, Any], name: str, value: str) -> None:
    """`VENTEROM_MEDIA__ANNOUNCE='["10.0.0.5"]'` sets `media.announce`; lists and tables are JSON."""
    *sections, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"{name}: {section} is no section")
    if value[:1] in ("[", "{"):
        try:
            tree[key] = json.loads(value)
        except ValueError as error:
            raise ConfigError(f"{name}: not JSON") from error
    else:
        tree[key] = value
