"""What a participant's tracks are called, and their numbers in the wire, from one offer to the next."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import count

from sfu.router import Publication
from sfu.sdp import Published, Source


def publications(
    participant: str,
    tracks: Sequence[Published],
    before: Mapping[str, Publication],
    *,
    muted: Collection[str],
    new_number: Callable[[], int],
) -> dict[str, Publication]:
    """By mid, in the order of the sections. `before` is the last of the same PeerConnection, `muted` has ids.

    A section's number stays: the wire has learnt its SSRCs, which browsers name only at first. Its id stays while its
    source does, so that nobody's mute lands on another camera; ids last over reconnects, being made of person and
    source, and of a count from the second of a source on.
    """
    kept = {
        item.mid: known for item in tracks if (known := before.get(item.mid)) is not None and known.kind == item.kind
    }
    ids = {item.mid: kept[item.mid].id for item in tracks if item.mid in kept and kept[item.mid].source == item.source}
    found: dict[str, Publication] = {}
    for item in tracks:
        if item.mid not in ids:
            ids[item.mid] = next(name for name in _names(participant, item.source) if name not in ids.values())
        name = ids[item.mid]
        number = kept[item.mid].track if item.mid in kept else new_number()
        found[item.mid] = Publication(name, number, item.kind, item.source, name in muted)
    return found


def _names(participant: str, source: Source) -> Iterator[str]:
    first = f"{participant}-{source}"
    yield first
    for number in count(2):
        yield f"{first}-{number}"
