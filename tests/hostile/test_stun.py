"""STUN floods: who can't authenticate gets no byte more than they sent, and who names nobody gets nothing."""

import pytest

from tests.bed import stun
from tests.bed.bed import MILLISECOND, SECOND, SERVER, Bed, Person
from tests.hostile.call import STRANGER, assert_call_is_whole

FLOOD = 20_000
COOKIE = bytes.fromhex("2112a442")


def check(bed: Bed, person: Person, pwd: str | None = None, *, use_candidate: bool = True) -> bytes:
    """A check of the person's, or one that only looks like it."""
    username = f"{person.credentials.ufrag}:{person.client.ice.local.ufrag}"
    return stun.binding_request(
        bed.random.randbytes(12), username, pwd or person.credentials.pwd, use_candidate=use_candidate
    )


def answered(bed: Bed, data: bytes) -> int:
    """Bytes that come back to a stranger for what it sends."""
    bed.stray.clear()
    bed.inject(STRANGER, data)
    return sum(len(reply) for _, _, reply in bed.stray)


def test_without_the_password_nobody_hears_more_than_they_said() -> None:
    bed = Bed()
    people = bed.call(2)
    bed.run(SECOND)
    right = check(bed, people[0])
    forged = [check(bed, people[0], pwd="x" * 24), check(bed, people[0], pwd="")]
    for data in (*forged, *(right[:cut] for cut in range(len(right)))):
        assert answered(bed, data) <= len(data)
    for index in range(len(right)):
        for flip in (0x01, 0x80, 0xFF):
            changed = bytearray(right)
            changed[index] ^= flip
            assert answered(bed, bytes(changed)) <= len(changed)
    # Every method and class, with no attribute and with a length that lies.
    for kind in range(1 << 14):
        assert answered(bed, kind.to_bytes(2, "big") + bytes(2) + COOKIE + bytes(12)) == 0
    for length in (1, 4, 100, 0xFFFC, 0xFFFF):
        assert answered(bed, b"\x00\x01" + length.to_bytes(2, "big") + COOKIE + bytes(12)) == 0
    assert_call_is_whole(bed, *people)


@pytest.mark.parametrize("name", ["nobody:here", "", ":", "nobody", "x" * 513, "\0:\0"])
def test_an_unknown_name_gets_silence(name: str) -> None:
    bed = Bed()
    people = bed.call(2)
    for pwd in ("x" * 24, people[0].credentials.pwd):
        assert answered(bed, stun.binding_request(bytes(12), name, pwd)) == 0


def test_a_flood_of_checks_leaves_the_call_as_it_was() -> None:
    bed = Bed()
    people = bed.call(2)
    bed.run(SECOND)
    wrong = check(bed, people[0], pwd="x" * 24)
    unknown = stun.binding_request(bytes(12), "nobody:here", "x" * 24)
    before = bed.plane.snapshot().counters["dropped_stun"]
    for burst in range(100):
        for index in range(FLOOD // 200):
            address = (f"203.0.{burst}.{index % 250 + 1}", 1024 + index)
            bed.plane.receive(bed.now, SERVER, address, wrong)
            bed.plane.receive(bed.now, SERVER, address, unknown)
        bed.run(10 * MILLISECOND)
    assert bed.plane.snapshot().counters["dropped_stun"] == before + FLOOD
    assert bed.stray == []
    assert_call_is_whole(bed, *people)
