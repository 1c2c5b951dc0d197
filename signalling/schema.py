"""Writes the JSON schemas of the protocol: `python -m signalling.schema`."""

import json
from pathlib import Path
from typing import Any, Final

from signalling.messages import CLIENT, SERVER, SUBPROTOCOL

PATH: Final = Path(__file__).parent / "schemas" / f"{SUBPROTOCOL}.json"
_TEMPLATE: Final = "#/$defs/{model}"


def schema() -> dict[str, Any]:
    """One JSON Schema document (2020-12): `$defs/client` and `$defs/server` are what either side may send."""
    client = CLIENT.json_schema(ref_template=_TEMPLATE, mode="validation")
    server = SERVER.json_schema(ref_template=_TEMPLATE, mode="validation")
    definitions = {**client.pop("$defs"), **server.pop("$defs"), "client": client, "server": server}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:venterom:signalling:{SUBPROTOCOL}",
        "title": SUBPROTOCOL,
        "$defs": dict(sorted(definitions.items())),
    }


def text() -> str:
    """The file's content."""
    return json.dumps(schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(text(), encoding="utf-8")
