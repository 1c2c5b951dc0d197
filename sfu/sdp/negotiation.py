"""One offer against what we want: each section becomes a published track, a slot, idle, or rejected."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final, cast

from sfu.commands import Encoding, Extensions, Kind, ReceiveTrack, SendSlot
from sfu.errors import SdpError
from sfu.sdp import answer, codecs, extensions
from sfu.sdp.answer import Idle, Plan, Receive, Rejected, Send
from sfu.sdp.codecs import Accepted, CodecPolicy
from sfu.sdp.parse import Offer, Section, Transport, parse
from sfu.sdp.types import LocalTransport, Negotiated, OfferedTrack, Peek, Published

MAX_ENCODINGS: Final = 4
"""Of one track; browsers send three at most."""

_PROTOCOLS: Final = frozenset({"UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF", "RTP/SAVPF"})  # RFC 8829 section 5.1.2
_POLICY: Final = CodecPolicy()


def peek(offer: str) -> Peek:
    """What a caller must know before it can give our side of the transport; raises SdpError.

    Another session is another transport; another user name fragment in the same session restarts ICE, which wants new
    credentials of ours (RFC 8839 section 4.4.1.1.1), while without a restart they must stay.
    """
    parsed = parse(offer)
    return Peek(parsed.session, _transport(parsed).ice_ufrag or "")


def negotiate(
    offer: str,
    tracks: Sequence[OfferedTrack],
    local: LocalTransport,
    *,
    previous: Negotiated | None,
    cname: str,
    new_ssrc: Callable[[], int],
    msid_prefix: str = "slot",
    policy: CodecPolicy = _POLICY,
    viewers: Collection[Collection[str]] = (),
) -> Negotiated:
    """Answers an offer, or raises SdpError and has changed nothing.

    Sections that the client sends in and lists in `tracks` are received; those it only receives in become slots, which
    keep their SSRCs and their stream from `previous` on; a section it sends in without listing it stays inactive. A
    section without a codec of ours is rejected alone. `viewers` are those who will see its video, each by the formats
    that it decodes: the answer names what they have in common, and what else comes is taken all the same, for a client
    goes on with its old codec until it has the answer.
    """
    parsed = parse(offer)
    transport = _transport(parsed)
    listed = _listed(parsed, tracks)
    slots = _Slots(previous, cname, new_ssrc)
    plans = [_plan(parsed, index, listed, slots, policy, viewers) for index in range(len(parsed.sections))]
    if all(isinstance(plan, Rejected) for plan in plans):
        raise SdpError("sdp_no_common_codec")
    sends = slots.numbered([plan for plan in plans if isinstance(plan, Send)])
    numbered = iter(sends)
    plans = [next(numbered) if isinstance(plan, Send) else plan for plan in plans]
    version = previous.version + 1 if previous else 1
    return Negotiated(
        answer=answer.write(parsed, plans, local, version, msid_prefix),
        session=parsed.session,
        version=version,
        ice_ufrag=transport.ice_ufrag or "",
        ice_pwd=transport.ice_pwd or "",
        fingerprints=tuple(transport.fingerprints),
        setup="passive",
        tracks=tuple(plan.published for plan in plans if isinstance(plan, Receive)),
        slots=tuple(plan.slot for plan in sends),
        pairs=tuple(plan.pair for plan in sends),
    )


def _transport(offer: Offer) -> Transport:
    """The bundle's: of its first section, else of the session (RFC 9143 section 7.2.1)."""
    live = {section.mid: section for section in offer.sections if not section.is_rejected}
    if not offer.bundle or not live or not live.keys() <= set(offer.bundle) or offer.bundle[0] not in live:
        raise SdpError("sdp_no_bundle")
    tagged, session = live[offer.bundle[0]], offer.transport
    own = tagged.transport
    if not tagged.rtcp_mux and tagged.media in ("audio", "video"):
        raise SdpError("sdp_no_rtcp_mux")
    ufrag, pwd = own.ice_ufrag or session.ice_ufrag, own.ice_pwd or session.ice_pwd
    if ufrag is None or pwd is None:
        raise SdpError("sdp_no_ice")
    fingerprints = own.fingerprints or session.fingerprints
    if not fingerprints:
        raise SdpError("sdp_no_fingerprint")
    setup = own.setup or session.setup
    if setup not in ("actpass", "active"):
        raise SdpError("sdp_bad_setup")
    return Transport(ufrag, pwd, fingerprints, setup)


def _direction(offer: Offer, section: Section) -> str:
    return section.direction or offer.direction or "sendrecv"


def _listed(offer: Offer, tracks: Sequence[OfferedTrack]) -> dict[str, OfferedTrack]:
    """Tracks by mid, each of a section that the client sends in."""
    sending = {
        section.mid: section.media
        for section in offer.sections
        if not section.is_rejected and _direction(offer, section) in ("sendrecv", "sendonly")
    }
    listed: dict[str, OfferedTrack] = {}
    for track in tracks:
        if sending.get(track.mid) != track.kind or track.mid in listed:
            raise SdpError("sdp_unknown_track")
        listed[track.mid] = track
    return listed


class _Slots:
    """Gives slots their SSRCs and streams: those of the last negotiation where the section is the same, or new ones."""

    def __init__(self, previous: Negotiated | None, cname: str, new_ssrc: Callable[[], int]) -> None:
        self._kept: dict[tuple[int, str, Kind], tuple[SendSlot, int]] = {}
        if previous:
            pairs = zip(previous.slots, previous.pairs, strict=True)
            self._kept = {(slot.slot, slot.mid, slot.kind): (slot, pair) for slot, pair in pairs}
        self._used = {0} | {number for slot, _ in self._kept.values() for number in (slot.ssrc, slot.rtx_ssrc or 0)}
        self._cname = cname
        self._new_ssrc = new_ssrc

    def make(self, index: int, mid: str, kind: Kind, accepted: tuple[Accepted, ...], ids: Extensions) -> SendSlot:
        kept, _ = self._kept.get((index, mid, kind), (None, 0))
        repeats = any(item.codec.rtx_payload_type is not None for item in accepted)
        return SendSlot(
            slot=index,
            mid=mid,
            kind=kind,
            ssrc=kept.ssrc if kept else self._fresh(),
            rtx_ssrc=((kept.rtx_ssrc if kept else None) or self._fresh()) if repeats else None,
            cname=self._cname,
            codecs=tuple(item.codec for item in accepted),
            extensions=ids,
        )

    def numbered(self, plans: Sequence[Send]) -> list[Send]:
        """Streams: a slot keeps its number, a new one takes the lowest that its kind has free."""
        kept = [self._kept.get((plan.slot.slot, plan.slot.mid, plan.slot.kind), (None, 0))[1] for plan in plans]
        taken = {(plan.slot.kind, pair) for plan, pair in zip(plans, kept, strict=True)}
        following: dict[Kind, int] = {"audio": 0, "video": 0}
        numbered: list[Send] = []
        for plan, pair in zip(plans, kept, strict=True):
            kind = plan.slot.kind
            while not pair:
                following[kind] += 1
                if (kind, following[kind]) not in taken:
                    pair = following[kind]
            numbered.append(replace(plan, pair=pair))
        return numbered

    def _fresh(self) -> int:
        number = self._new_ssrc()
        while number in self._used:
            number = self._new_ssrc()
        self._used.add(number)
        return number


def _plan(
    offer: Offer,
    index: int,
    listed: dict[str, OfferedTrack],
    slots: _Slots,
    policy: CodecPolicy,
    viewers: Collection[Collection[str]],
) -> Plan:
    section = offer.sections[index]
    mid = section.mid
    if section.is_rejected or mid is None or section.media not in ("audio", "video"):
        return Rejected(section)
    kind = cast(Kind, section.media)
    accepted = codecs.select(section, kind, policy)
    if not accepted or section.protocol not in _PROTOCOLS:
        return Rejected(section)
    direction = _direction(offer, section)
    sent = direction == "recvonly"
    ids = extensions.select(section, kind, sent=sent)
    if not sent and kind == "audio" and any("nack" in item.feedback for item in accepted):
        # Browsers seal sound that they send again anew, under the index that it had. With another number or time in its
        # header two seals of one index would give away the key that authenticates (RFC 7714 section 8.2); so there is
        # neither, and it is the same to the byte.
        ids = replace(ids, transport_cc=None, abs_send_time=None)
    if ids.transport_cc is None:  # feedback needs the numbers that the extension carries
        accepted = tuple(
            replace(item, feedback=tuple(f for f in item.feedback if f != "transport-cc")) for item in accepted
        )
    if sent:
        return Send(section, accepted, ids, slots.make(index, mid, kind, accepted, ids), 0)
    track = listed.get(mid)
    if track is None:
        return Idle(section, accepted, ids)
    named = tuple(item.codec.format for item in accepted)
    if kind == "video":
        named = codecs.agreed(named, viewers, policy.video)
    feedback = {name for item in accepted for name in item.feedback}
    receive = ReceiveTrack(
        track=0,
        mid=mid,
        kind=kind,
        codecs=tuple(item.codec for item in accepted),
        extensions=ids,
        encodings=_encodings(section, ids),
        nack="nack" in feedback,
        pli="nack pli" in feedback,
        transport_cc="transport-cc" in feedback,
    )
    answered = tuple(item for item in accepted if item.codec.format in named)
    return Receive(section, answered, ids, Published(mid, kind, track.source, receive, named))


def _encodings(section: Section, ids: Extensions) -> tuple[Encoding, ...]:
    rids = [rid for rid in dict.fromkeys(section.simulcast) if rid in section.send_rids]
    if rids and ids.rid is not None:
        return tuple(Encoding(rid=rid) for rid in rids[:MAX_ENCODINGS])
    repeats = set(section.flows.values())
    ssrcs = section.simulcast_ssrcs or tuple(ssrc for ssrc in section.ssrcs if ssrc not in repeats)[:1]
    return tuple(
        Encoding(ssrc=ssrc, rtx_ssrc=section.flows.get(ssrc)) for ssrc in dict.fromkeys(ssrcs[:MAX_ENCODINGS])
    ) or (Encoding(),)
