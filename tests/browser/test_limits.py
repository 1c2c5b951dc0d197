"""A server at its limit, as somebody at a new room's door sees it: what happened, what to do, and that it helps."""

from pathlib import Path

import aiohttp

from signalling.grant import issue
from signalling.keys import SigningKey
from tests.browser.conftest import Arrive
from tests.browser.server import Server
from tests.control.visitor import Visitor


async def test_a_full_server_says_so_and_takes_people_once_there_is_room(arrive: Arrive, tmp_path: Path) -> None:
    server = await Server.start(tmp_path, settings={"LIMITS__ROOMS": "1", "SIGNALLING__SILENCE": "120"})
    try:
        key = SigningKey.read(tmp_path / "demo" / "control-key.pem")
        grant = issue(key, room="other", participant="x", role="practitioner", name="X", gate="open")
        async with aiohttp.ClientSession() as http:
            other = await Visitor.come(http, server.url, grant=grant)
            assert other.last["type"] == "joined"
            patient = await arrive(server.patient)
            await patient.join()
            await patient.is_in("error")
            await patient.page.wait_for_selector("[data-code=overloaded]")
            said = await patient.page.inner_text("main")
            assert "Det er for mange samtaler nå" in said
            assert "Vent et par minutter." in said
            await other.websocket.send_json({"type": "end"})
            await other.until("ended")
        await patient.press("retry")
        await patient.join()
        await patient.is_in("lobby")
    finally:
        await server.stop()
