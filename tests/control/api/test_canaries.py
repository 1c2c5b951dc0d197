"""A real server, names and identity numbers through every input of its interface: none in log, metrics or errors."""

import json
import signal
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import aiohttp

from control.store import migrate
from control.store.database import Database, address
from tests.control.serving import Served
from tests.control.store import rows

KEY: Final = "nokkel-" + "k" * 40
TOKEN: Final = "metrics-kanari-token"
NAME: Final = "Kanari Fuglesang"
NUMBER: Final = "13097248022"
"""Well formed; given out to nobody."""
CANARIES: Final = ("kanari", "fuglesang", NUMBER)
TEXT: Final = f"{NAME} {NUMBER}"

Json = Mapping[str, Any]


def filled(schema: Json, known: Json, *, true: bool) -> Any:
    """Something with canaries for every text: where `true` such as the schema allows, else everywhere."""
    match schema:
        case {"$ref": reference}:
            return filled(known[reference.rpartition("/")[2]], known, true=true)
        case {"anyOf": [first, *_]} | {"oneOf": [first, *_]}:
            return filled(first, known, true=true)
        case {"enum": [first, *_]} if true:
            return first
        case {"type": "object"}:
            return {name: filled(member, known, true=true) for name, member in schema.get("properties", {}).items()}
        case {"type": "array"}:
            return [filled(schema.get("items", {"type": "string"}), known, true=true)]
        case {"type": "integer" | "number"}:
            return schema.get("minimum", 1)
        case {"type": "boolean"}:
            return False
        case {"format": "date-time"} if true:
            return "2099-03-02T08:15:00Z"
        case {"format": "date"} if true:
            return "2099-03-02"
        case {"pattern": "^[a-z2-7]{26}$"} if true:
            return "kanari".ljust(26, "a")
        case _:
            return TEXT[: schema.get("maxLength", 200)]


async def seed(served: Served) -> str:
    """A clinic, and a key for it."""
    served.data.mkdir(mode=0o700)
    url = address(None, None, served.data)
    await migrate.upgrade(url)
    database = Database.open(url)
    clinic = await rows.open_clinic(database)
    await database.close()
    digest = sha256(KEY.encode()).hexdigest()
    (served.data / "keys.toml").write_text(f'[[key]]\nname = "journal"\nclinic = "{clinic}"\nsha256 = "{digest}"\n')
    return clinic


async def through_everything(
    http: aiohttp.ClientSession, document: Json, callers: tuple[Mapping[str, str], ...]
) -> int:
    """Every operation, as every caller, in both forms; how many were answered well."""
    known, done = document["components"]["schemas"], 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for headers in callers:
                for true in (True, False):
                    done += await _ask(http, method, path, operation, known, headers, true=true)
    return done


async def _ask(
    http: aiohttp.ClientSession, method: str, path: str, operation: Json, known: Json, headers: Json, *, true: bool
) -> bool:
    query = {"kanari": TEXT} if not true else {}
    given = {"If-Match": "*" if true else f'"{NAME}"', "Idempotency-Key": f"kanari-{NUMBER}", **headers}
    for parameter in operation["parameters"]:
        value = str(filled(parameter["schema"], known, true=true))
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", value)
        elif parameter["in"] == "query" and (parameter["required"] or not true):
            query[parameter["name"]] = value
    body = None
    if "requestBody" in operation:
        body = filled(operation["requestBody"]["content"]["application/json"]["schema"], known, true=true)
    async with http.request(method, path, params=query, json=body, headers=given) as response:
        text = await response.text()
        assert response.status < 500, text
        if response.status >= 400:
            assert not any(canary in text.lower() for canary in CANARIES), text
        assert not any(canary in response.headers.get("Location", "").lower() for canary in CANARIES)
        return response.status < 400


async def test_no_canary_leaves_by_log_metrics_or_errors(tmp_path: Path) -> None:
    keys = json.dumps(str(tmp_path / "data" / "keys.toml"))
    limits = "session_burst = 100000\naddress_burst = 100000"
    served = Served(tmp_path, more=f'[metrics]\ntoken = "{TOKEN}"\n[api]\nkeys = {keys}\n{limits}\n')
    await seed(served)
    key = {"Authorization": f"Bearer {KEY}"}
    stranger = {"Authorization": f"Bearer {TEXT}", "Cookie": "__Host-venterom=kanari", "X-Forwarded-For": TEXT}
    async with served.running() as process, aiohttp.ClientSession(served.address) as http:
        async with http.get("/api/v1/openapi.json") as response:
            document = await response.json()
        new = {"name": NAME, "address": TEXT, "email": "kanari@fuglesang.example", "external_id": TEXT}
        async with http.post("/api/v1/patients", json=new, headers=key) as response:
            assert response.status == 201, await response.text()
            assert (await response.json())["name"] == NAME
        assert await through_everything(http, document, (key, stranger)) >= 5
        async with http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}) as response:
            metrics = await response.text()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    log = served.log.read_text()
    assert '"event": "stopped"' in log
    for text in (log, metrics):
        assert not any(canary in text.lower() for canary in CANARIES)
