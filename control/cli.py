"""The command `venterom`."""

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import uvloop

from control import demo, logs
from control.app import Lab, Service, Shape
from control.commands import clinic, database, secrets
from control.config import Settings, check_media, check_production, load
from control.doctor.entrance import ByKey, ByLinks, Entrance
from control.doctor.examine import examine
from control.doctor.findings import Finding, as_json, as_text, fail, worst
from control.errors import ControlError, MediaEndedError
from control.memory import settle
from signalling.errors import SignallingError
from signalling.grant import DEFAULT_AUDIENCE, DEFAULT_ISSUER, issue
from signalling.keys import SigningKey, jwks
from signalling.roles import Role

Announce = Callable[[Service], Awaitable[str]]
"""What is printed once people can come."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; what can be expected to fail is one line on standard error."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except (ControlError, SignallingError) as error:
        print(f"venterom: {error.code}: {error}", file=sys.stderr)
        return 1


def _serve(options: argparse.Namespace) -> int:
    settings = load(options.config, os.environ)
    check_production(settings)
    if options.shape is Shape.MEDIA:
        check_media(settings)
    ready = "ready " + (settings.http.public_url or f"port {settings.http.port}")

    async def announce(_: Service) -> str:
        return ready

    return _run(settings, None, announce, options.shape)


def _demo(options: argparse.Namespace) -> int:
    prepared = demo.prepare(options.data, port=options.port, media_port=options.media_port, environment=os.environ)
    return _run(prepared.settings, prepared.lab, prepared.announce)


def _grant(options: argparse.Namespace) -> int:
    token = issue(
        SigningKey.read(options.key),
        room=options.room,
        participant=options.participant,
        role=options.role,
        name=options.name,
        gate=options.gate,
        size=options.size,
        issuer=options.issuer,
        audience=options.audience,
    )
    print(token)
    return 0


def _jwks(options: argparse.Namespace) -> int:
    print(jwks([SigningKey.read(options.key)]), end="")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    findings = _call(options) if options.call else examine(options.config, os.environ)
    print(as_json(findings) if options.json else as_text(findings))
    return worst(findings)


def _call(options: argparse.Namespace) -> list[Finding]:
    entrance: Entrance
    if options.link is not None:
        entrance = ByLinks(*options.link)
    elif options.key is not None:
        entrance = ByKey(load(options.config, os.environ), SigningKey.read(options.key), options.url)
    else:
        return [fail("call", "nobody can enter", "--key with the key that signs grants, or --link with two lab links")]
    try:
        from control.doctor.call import call  # loads FFmpeg, which no server needs
    except ModuleNotFoundError:
        return [
            fail(
                "call",
                "aiortc is not installed",
                "install it beside venterom: pip install aiortc (the wheel's extra `doctor` names it)",
            )
        ]
    return asyncio.run(call(entrance))


def _bench(options: argparse.Namespace) -> int:
    try:
        from benchmarks.__main__ import main as run  # no server needs them, and no wheel has them
    except ModuleNotFoundError:
        print("venterom: benchmarks are in the sources, not in the package: run this in a checkout", file=sys.stderr)
        return 1
    return run(options.arguments)


def _run(settings: Settings, lab: Lab | None, announce: Announce, shape: Shape = Shape.WHOLE) -> int:
    logs.configure()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_told_to_stop(settings, lab, announce, shape))
    # All is closed. Looking through every object once more as Python ends takes most of a second, for nothing.
    gc.freeze()
    return 0


async def _until_told_to_stop(settings: Settings, lab: Lab | None, announce: Announce, shape: Shape) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(logs.told_by_loop)
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    service = await Service.start(settings, lab, shape)
    try:
        settle()
        print(await announce(service), flush=True)
        stops, fails = asyncio.create_task(told.wait()), asyncio.create_task(service.fails())
        await asyncio.wait((stops, fails), return_when=asyncio.FIRST_COMPLETED)
        stops.cancel()
        if fails.done():
            raise MediaEndedError("the media thread ended by a bug; people's pages wait for the next process")
        fails.cancel()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)  # a second one ends us at once
        await service.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="venterom", description="Self-hosted video consultation.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    for name, shape, meaning in (
        ("serve", Shape.WHOLE, "control, signalling and media in one process"),
        ("control", Shape.CONTROL, "interface and pages alone; nobody is let into rooms from there"),
        ("media", Shape.MEDIA, "signalling and media alone, for front ends that bring their own grants"),
    ):
        served = commands.add_parser(name, help=meaning)
        served.add_argument("--config", type=Path, help="TOML file; see configs/reference.toml")
        served.set_defaults(run=_serve, shape=shape)

    grant = commands.add_parser("grant", help="issue a grant, for front ends that bring their own")
    grant.add_argument("--key", type=Path, required=True, help="private key: openssl genpkey -algorithm ed25519")
    grant.add_argument("--room", required=True)
    grant.add_argument("--participant", required=True)
    grant.add_argument("--role", required=True, choices=[role.value for role in Role])
    grant.add_argument("--name", required=True, help="as it is shown to the others")
    grant.add_argument("--gate", choices=["lobby", "open"], default="lobby", help="where the person enters")
    grant.add_argument("--size", type=int, default=2, help="how many are expected in the room")
    grant.add_argument("--issuer", default=DEFAULT_ISSUER)
    grant.add_argument("--audience", default=DEFAULT_AUDIENCE)
    grant.set_defaults(run=_grant)

    keys = commands.add_parser("jwks", help="the JWKS with which signalling verifies the grants of a key")
    keys.add_argument("--key", type=Path, required=True)
    keys.set_defaults(run=_jwks)

    doctor = commands.add_parser("doctor", help="looks at settings and host, and says what to change")
    doctor.add_argument("--config", type=Path, help="the server's TOML file")
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.add_argument(
        "--call", action="store_true", help="a true call through the server that runs, and nothing else"
    )
    doctor.add_argument("--key", type=Path, help="for --call: the private key that signs grants")
    doctor.add_argument("--url", help="for --call: where the server is reached, if not at http.public_url")
    doctor.add_argument("--link", nargs=2, metavar=("PRACTITIONER", "PATIENT"), help="for --call: two lab links")
    doctor.set_defaults(run=_doctor)

    clinic.add_to(commands)
    database.add_to(commands)
    secrets.add_to(commands)

    bench = commands.add_parser("bench", help="benchmarks, from a checkout of the sources")
    bench.add_argument("arguments", nargs=argparse.REMAINDER, help="join, forward, memory, control; --quick")
    bench.set_defaults(run=_bench)

    shown = commands.add_parser("demo", help="everything at once, with two people and a lab link for each")
    shown.add_argument("--port", type=int, default=8080)
    shown.add_argument("--media-port", type=int, default=7882)
    shown.add_argument("--data", type=Path, default=Path(".demo"))
    shown.set_defaults(run=_demo)
    return parser


if __name__ == "__main__":
    sys.exit(main())
