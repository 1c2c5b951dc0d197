"""The whole examination, one part after the other."""

from collections.abc import Mapping
from pathlib import Path

from control.config import Settings, check_production, load
from control.doctor.database import look_at_database
from control.doctor.files import look_at_files
from control.doctor.findings import Finding, fail, ok
from control.doctor.host import Host, look
from control.doctor.machine import judge
from control.doctor.network import Server, look_at_network, running_server
from control.doctor.records import look_at_records
from control.errors import ConfigError


def examine(config: Path | None, environment: Mapping[str, str]) -> list[Finding]:
    """Everything that can be seen from this host, without a call."""
    try:
        settings = load(config, environment)
    except ConfigError as error:
        return [fail("settings", error.message, "configs/reference.toml explains every setting")]
    return [_production(settings), *examine_host(settings)]


def examine_host(settings: Settings) -> list[Finding]:
    """What is left once the settings could be read."""
    server = running_server(settings)
    return diagnose(settings, look(None if server is None else server.pid), server)


def diagnose(settings: Settings, host: Host, server: Server | None) -> list[Finding]:
    """The findings for a host, and for the server that runs on it, where one does."""
    return [
        *look_at_files(settings, host.wall),
        *look_at_records(settings),
        *look_at_database(settings),
        *look_at_network(settings, host, server),
        *judge(host),
    ]


def _production(settings: Settings) -> Finding:
    try:
        check_production(settings)
    except ConfigError as error:
        return fail("settings", error.message, "configs/production.toml shows a good start")
    return ok("settings", "as production needs them")
