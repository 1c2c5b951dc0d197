"""What the tests of hostile input share: strangers and garbage, and a call that must not notice."""

from random import Random

from tests.bed.bed import MILLISECOND, SECOND, Bed, Person
from tests.bed.dialect import KINDS
from tests.bed.stun import Address

STRANGER: Address = ("203.0.113.9", 9_999)
FIRST_OCTETS = (0, 1, 3, 16, 20, 22, 25, 63, 64, 79, 128, 129, 144, 176, 191, 192, 255)


def assert_call_is_whole(bed: Bed, *people: Person) -> None:
    """Everybody got everything that was sent to them, up to now."""
    for person in people:
        bed.stop(person)
    bed.run(SECOND)
    for person in people:
        for kind in KINDS:
            receiver = person.receiver(kind)
            assert receiver.missing == []
            assert receiver.received[-1].at > bed.now - 1_100 * MILLISECOND
            frames = sorted({stamp.frame for stamp in receiver.stamps})
            assert frames == list(range(frames[0], frames[-1] + 1))
        assert person.client.refused == 0


def assert_third_party_is_whole(bed: Bed, one: Person, two: Person, mallory: Person) -> None:
    """What `one` and `two` see of each other has no hole; what they see of `mallory` is hers alone."""
    for person in (one, two):
        bed.stop(person)
    bed.run(SECOND)
    for viewer, maker in ((one, two), (two, one)):
        by_maker = {}
        for receiver in viewer.client.receivers.values():
            makers = {stamp.sender for stamp in receiver.stamps}
            assert len(makers) <= 1
            if makers == {maker.peer}:
                by_maker[receiver.section.kind] = receiver
        for kind in KINDS:
            stamps = by_maker[kind].stamps
            frames = sorted({stamp.frame for stamp in stamps})
            assert frames == list(range(frames[0], maker.sender(kind).frame))
        assert viewer.client.refused == 0


def garbage(random: Random, most: int = 1_500) -> bytes:
    size = random.randrange(most)
    return bytes((random.choice(FIRST_OCTETS),)) + random.randbytes(size)
