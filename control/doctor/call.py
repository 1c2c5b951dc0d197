"""A true call through the server that runs: two people, lobby and admission, picture and sound both ways."""

import asyncio
from collections.abc import Mapping
from typing import Final

import aiohttp

from control.doctor.caller import Caller, StepError
from control.doctor.entrance import Entrance, Part
from control.doctor.findings import Finding, fail, ok
from control.doctor.relays import look_at_relays

_DARK: Final = 60
_LIGHT: Final = 200

_ADVICE: Final[Mapping[str, str]] = {
    "websocket": "is the server there, does the proxy pass WebSockets, is this origin allowed (signalling.origins)?",
    "join": "the code is explained in signalling/PROTOCOL.md; for grant_invalid: is the key the one of grants.keys?",
    "offer": "the code is explained in signalling/PROTOCOL.md",
    "admission": "look at the server's log",
    "transport": "UDP does not get through: firewall for media.port, and media.announce",
    "picture": "the transport stands, so this is ours: report it with the server's log",
    "sound": "the transport stands, so this is ours: report it with the server's log",
}


async def call(entrance: Entrance) -> list[Finding]:
    """Calls, and tells what came. A step that fails is the last finding; a TURN server that fails holds up no call."""
    findings: list[Finding] = []
    async with aiohttp.ClientSession() as http:
        practitioner = Caller(http, grey=_DARK, expected=_LIGHT)
        patient = Caller(http, grey=_LIGHT, expected=_DARK)
        try:
            await _run(http, entrance, practitioner, patient, findings)
        except StepError as error:
            findings.append(fail("call", f"{error.step} failed: {error.code}", _ADVICE[error.step]))
        except aiohttp.ClientError as error:
            findings.append(fail("call", f"no grant: {type(error).__name__}", "is the link one of a server that runs?"))
        finally:
            await patient.close(end=False)
            await practitioner.close(end=entrance.is_own_room)
    return findings


async def _run(
    http: aiohttp.ClientSession, entrance: Entrance, practitioner: Caller, patient: Caller, findings: list[Finding]
) -> None:
    joined: list[float] = []
    callers: tuple[tuple[Part, Caller], ...] = (("practitioner", practitioner), ("patient", patient))
    for part, caller in callers:
        given = await entrance.admission(http, part)
        joined.append(await caller.enter(given.url, given.origin, given.grant))
    findings.append(ok("call: signalling", f"both joined, in {_ms(*joined)}"))
    findings += await look_at_relays(patient.ice_servers, patient.addresses)
    connected = await asyncio.gather(practitioner.connected(), patient.connected())
    findings.append(ok("call: transport", f"both connected, {_ms(*connected)} after they came"))
    await practitioner.admit(patient.participant)
    since = await patient.admitted()
    for part, caller in callers:
        seen, heard = await caller.media(since)
        text = f"sees and hears the other, {_ms(seen, heard)} after the admission"
        findings.append(ok(f"call: {part}", text))


def _ms(*seconds: float) -> str:
    return " and ".join(f"{each * 1000:.0f}" for each in seconds) + " ms"
