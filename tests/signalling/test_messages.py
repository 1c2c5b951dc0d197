"""Messages in and out: schema, bounds, packing, allowance."""

import base64
import json
import re
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.errors import DTLS_CODES, SDP_CODES
from signalling import messages, packing, schema
from signalling.errors import CODES, MessageError
from signalling.ids import plain
from signalling.ratelimit import Bucket

PROTOCOL = (Path(schema.__file__).parent / "PROTOCOL.md").read_text(encoding="utf-8")
TRACK = '{"mid":"0","kind":"audio","source":"microphone"}'


def examples() -> list[dict[str, Any]]:
    lines = [line for block in re.findall(r"```json\n(.*?)```", PROTOCOL, re.S) for line in block.splitlines()]
    return [json.loads(line) for line in lines]


def test_the_schema_file_is_up_to_date() -> None:
    assert schema.PATH.read_text(encoding="utf-8") == schema.text(), "run python -m signalling.schema"


def test_every_message_has_an_example_that_is_one() -> None:
    client, server = set(), set()
    for example in examples():
        if "type" not in example:
            continue  # header and claims of a grant
        if example["type"] in _types("client"):
            client.add(messages.parse(json.dumps(example)).type)
        else:
            server.add(example["type"])
            message = messages.SERVER.validate_json(json.dumps(example))
            assert json.loads(message.encode()) == example
    assert client == _types("client")
    assert server == _types("server")


def _types(side: str) -> set[str]:
    return set(schema.schema()["$defs"][side]["discriminator"]["mapping"])


def test_every_code_is_in_the_document() -> None:
    here = {"key_invalid", "key_permissions", "journal_corrupt", "journal_locked"}
    documented = set(re.findall(r"`([a-z0-9_]+)`", PROTOCOL))
    assert set(CODES) - here <= documented
    assert set(SDP_CODES) | set(DTLS_CODES) <= documented


@pytest.mark.parametrize(
    ("text", "code", "re_"),
    [
        ("", "bad_json", None),
        ("{", "bad_json", None),
        ("[]", "bad_json", None),
        ("null", "bad_json", None),
        ('"join"', "bad_json", None),
        ("[" * 60_000, "bad_json", None),
        ('{"a":' * 10_000, "bad_json", None),
        ('{"type":"ping","id":NaN}', "bad_json", None),
        ('{"type":"ping","id":1e999}', "bad_message", None),
        ('{"type":"ping","id":' + "9" * 5000 + "}", "bad_json", None),
        ('{"type":"ping","id":-1}', "bad_message", None),
        ('{"type":"ping","id":1.5}', "bad_message", None),
        ('{"type":"ping","id":true}', "bad_message", None),
        ('{"type":"ping","id":"1"}', "bad_message", None),
        ('{"type":"ping","id":9007199254740992}', "bad_message", None),
        ('{"id":3}', "bad_message", 3),
        ('{"type":"nope","id":3}', "unknown_type", 3),
        ('{"type":7,"id":3}', "unknown_type", 3),
        ('{"type":"joined","id":3}', "unknown_type", 3),
        ('{"type":"join","id":3}', "bad_message", 3),
        ('{"type":"join","grant":"a","seat":"b"}', "bad_message", None),
        ('{"type":"join","grant":5}', "bad_message", None),
        ('{"type":"join","grant":"a","name":""}', "bad_message", None),
        ('{"type":"join","grant":"' + "x" * 8193 + '"}', "bad_message", None),
        ('{"type":"admit"}', "bad_message", None),
        ('{"type":"admit","participant":"a b"}', "bad_message", None),
        ('{"type":"admit","participant":"a\\n"}', "bad_message", None),
        ('{"type":"admit","participant":null}', "bad_message", None),
        ('{"type":"mute","track":"a","muted":1}', "bad_message", None),
        ('{"type":"pause","reason":"Not alone!"}', "bad_message", None),
        ('{"type":"notice","minutes":-1}', "bad_message", None),
        ('{"type":"notice","text":"' + "x" * 281 + '"}', "bad_message", None),
        ('{"type":"notice","text":"\\ud800"}', "bad_json", None),
        ('{"type":"offer","tracks":[]}', "bad_message", None),
        ('{"type":"offer","sdp":"a","sdp_z":"b","tracks":[]}', "bad_message", None),
        ('{"type":"offer","sdp":"a"}', "bad_message", None),
        ('{"type":"offer","sdp":"a","tracks":[{"mid":"0","kind":"smell","source":"camera"}]}', "bad_message", None),
        (f'{{"type":"offer","sdp":"a","tracks":[{",".join([TRACK] * 17)}]}}', "bad_message", None),
    ],
)  # fmt: skip
def test_what_is_no_message(text: str, code: str, re_: int | None) -> None:
    with pytest.raises(MessageError) as caught:
        messages.parse(text)
    assert (caught.value.code, caught.value.re) == (code, re_)


def test_an_error_tells_the_field_and_never_the_value() -> None:
    with pytest.raises(MessageError, match=r"tracks\.kind") as caught:
        messages.parse(
            '{"type":"offer","sdp":"secret","tracks":[{"mid":"0","kind":"secret","source":"camera"}],"secret":1}'
        )
    assert "secret" not in str(caught.value)


def test_what_is_not_known_is_passed_over() -> None:
    assert messages.parse('{"type":"ping","id":1,"new":{"a":[1]}}') == messages.Ping(id=1)


KEYS = st.sampled_from(("type", "id", "participant", "sdp")) | st.text()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
)


@given(st.text() | VALUES.map(json.dumps))
def test_any_text_is_a_message_or_an_error(text: str) -> None:
    code = None
    try:
        messages.parse(text)
    except MessageError as error:
        code = error.code
    assert code in (None, "bad_json", "bad_message", "unknown_type")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [("  Kari \t Nordmann\n", "Kari Nordmann"), ("a\x00b", "a b"), ("\u202eevil\u2066", "evil"), ("e\u0301", "é"),
     ("<b>&amp;", "<b>&amp;"), ("👩‍⚕️", "👩‍⚕️"), ("x\u2028y", "x y")],
)  # fmt: skip
def test_names_are_one_plain_line(raw: str, shown: str) -> None:
    assert plain(raw) == shown


@pytest.mark.parametrize("raw", ["", " ", "\u202e", "\n\n"])
def test_an_empty_name_is_none(raw: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        plain(raw)


# --- packed SDP


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=2000))
def test_packing_there_and_back(sdp: str) -> None:
    assert packing.unpack(packing.pack(sdp)) == sdp


def packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("%%%", "bad_message"),
        ("YQ", "bad_message"),
        (base64.b64encode(b"not zlib").decode(), "bad_message"),
        (packed(b"v=0")[:-4], "bad_message"),
        (base64.b64encode(zlib.compress(b"v=0") + b"more").decode(), "bad_message"),
        (base64.b64encode(zlib.compress(b"v=0")[:-2]).decode(), "bad_message"),
        (packed(b"\xff\xfe"), "bad_message"),
        (packed(b"a" * (256 * 1024 + 1)), "too_big"),
        (packed(b"\0" * 50_000_000), "too_big"),
        (packed(zlib.compress(b"\0" * 50_000_000, 9)), "bad_message"),
        ("é", "bad_message"),
    ],
)
def test_bombs_and_other_bad_packings(text: str, code: str) -> None:
    with pytest.raises(MessageError) as caught:
        packing.unpack(text)
    assert caught.value.code == code


def test_a_bomb_takes_no_memory() -> None:
    bomb = packed(b"\0" * 50_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(MessageError):
            packing.unpack(bomb)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_the_bound_itself_fits() -> None:
    assert len(packing.unpack(packed(b"a" * 256 * 1024))) == 256 * 1024


# --- allowance


def test_the_bucket() -> None:
    bucket = Bucket.full(2.0, 3, now=0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(0.5)
    assert not bucket.take(0.6)
    assert bucket.debt == 2
    assert not bucket.take(0.1), "time that runs backwards gives nothing"
    assert [bucket.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.debt == 1, "a full bucket forgets"
