//! Datagrams: what is answered, what goes up to the node, what goes on to viewers.

use std::time::Duration;

use crate::codec::Codec;
use crate::command::{Kind, PeerId, TrackId};
use crate::counters::Content;
use crate::demux;
use crate::engine::apply::repairs;
use crate::engine::history::Entry;
use crate::engine::nack::Gap;
use crate::engine::peer::Binding;
use crate::engine::slot::{Outcome, Packet};
use crate::engine::stream::Stream;
use crate::engine::{Engine, timers};
use crate::event::Event;
use crate::red::Red;
use crate::rtp::{Header, audio_level};
use crate::srtp::SrtpError;
use crate::time::Time;
use crate::tuple::Tuple;

/// SSRCs of one peer: 128 sections with their retransmissions would be 256, browsers use a dozen.
const MOST_BINDINGS: usize = 256;

impl Engine {
    /// Takes a datagram in; it is decrypted in place.
    pub fn receive(&mut self, now: Time, tuple: Tuple, datagram: &mut [u8]) {
        self.counters.datagrams_received += 1;
        self.counters.bytes_received += datagram.len() as u64;
        // Nothing can be sent to port 0, and the error that the system gives for it looks as if it lacked segmentation
        // offload: one such address would slow down everybody.
        if tuple.remote.port() == 0 {
            self.counters.dropped_unknown += 1;
            return;
        }
        match demux::classify(datagram) {
            demux::Kind::Stun => {
                self.counters.received(Content::Stun, datagram.len());
                self.receive_stun(now, tuple, datagram);
            }
            demux::Kind::Unknown => self.counters.dropped_unknown += 1,
            kind => match self.tuples.get(&tuple) {
                None => self.counters.dropped_unvalidated += 1,
                Some(&peer) => match kind {
                    demux::Kind::Dtls => {
                        self.counters.received(Content::Dtls, datagram.len());
                        self.receive_dtls(peer, datagram);
                    }
                    demux::Kind::Rtp => self.receive_rtp(now, peer, datagram),
                    _ => {
                        self.counters.received(Content::Rtcp, datagram.len());
                        self.receive_rtcp(now, peer, datagram);
                    }
                },
            },
        }
    }

    fn receive_rtp(&mut self, now: Time, id: PeerId, datagram: &mut [u8]) {
        let size = datagram.len();
        let Ok(header) = Header::parse(datagram) else {
            self.counters.dropped_malformed += 1;
            return;
        };
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let Some(opener) = &mut peer.opener else {
            self.counters.dropped_no_keys += 1;
            return;
        };
        let opened = match opener.open_rtp(datagram, header.len, header.ssrc, header.sequence) {
            Ok(opened) => opened,
            Err(error) => {
                self.count_srtp(error);
                return;
            }
        };
        let Some(packet) = datagram.get(..opened.len) else {
            return;
        };
        let Ok(payload) = header.payload(packet) else {
            self.counters.dropped_malformed += 1;
            return;
        };
        self.counters.rtp_received += 1;
        let mut level = None;
        for (extension, value) in header.extensions(packet) {
            if peer.extensions.transport_cc == Some(extension)
                && let Ok(sequence) = <[u8; 2]>::try_from(value)
            {
                peer.arrivals.record(u16::from_be_bytes(sequence), now);
                if peer.feedback_at.is_none() {
                    peer.feedback_at = Some(now + timers::FEEDBACK);
                }
            } else if peer.extensions.audio_level == Some(extension) && audio_level(value).is_some()
            {
                level = value.first().copied();
            }
        }
        let binding = match peer.bindings.get(&header.ssrc) {
            Some(&binding) => Some(binding),
            None => self.bind(now, id, &header, packet),
        };
        self.reschedule(id);
        let Some(binding) = binding else {
            self.counters.dropped_unknown_stream += 1;
            return;
        };
        let content = match self.tracks.get(&binding.track) {
            _ if binding.repair => Content::Repair,
            Some(track) => track.section.kind.into(),
            None => return,
        };
        self.counters.received(content, size);
        if binding.repair {
            self.receive_repair(now, id, binding, &header, payload);
        } else {
            self.receive_media(now, id, binding, &header, payload, level);
        }
    }

    /// Finds whose an SSRC is by the MID, RID and repaired RID that browsers put on a stream's first packets (RFC 8843, 8852),
    /// else by a payload type that only one section has.
    fn bind(&mut self, now: Time, id: PeerId, header: &Header, packet: &[u8]) -> Option<Binding> {
        let peer = self.peers.get_mut(&id)?;
        if peer.bindings.len() >= MOST_BINDINGS {
            return None;
        }
        let (mut mid, mut rid, mut repaired) = (None, None, None);
        for (extension, value) in header.extensions(packet) {
            let extension = Some(extension);
            if extension == peer.extensions.mid {
                mid = Some(value);
            } else if extension == peer.extensions.rid {
                rid = Some(value);
            } else if extension == peer.extensions.repaired_rid {
                repaired = Some(value);
            }
        }
        let pt = header.payload_type;
        let carries = |id: &&TrackId| {
            self.tracks.get(id).is_some_and(|track| {
                track.format(pt).is_some() || track.format_of_rtx(pt).is_some()
            })
        };
        let track = match mid {
            Some(mid) => {
                let named = |id: &&TrackId| {
                    self.tracks
                        .get(id)
                        .is_some_and(|track| track.section.mid.as_bytes() == mid)
                };
                *peer.tracks.iter().find(named)?
            }
            None => {
                let mut candidates = peer.tracks.iter().filter(carries);
                let only = *candidates.next()?;
                if candidates.next().is_some() {
                    return None;
                }
                only
            }
        };
        let found = self.tracks.get_mut(&track)?;
        let repair = repaired.is_some() || found.format_of_rtx(pt).is_some();
        if !repair && found.format(pt).is_none() {
            return None;
        }
        let names = &found.section.encodings;
        let encoding = match repaired.or(rid) {
            Some(rid) => names.iter().position(|name| {
                name.rid
                    .as_ref()
                    .is_some_and(|known| known.as_bytes() == rid)
            })?,
            None if names.len() == 1 && names.first().is_some_and(|name| name.rid.is_none()) => 0,
            None => return None,
        };
        // An SSRC that the offer named is not taken over by a packet.
        let name = names.get(encoding)?;
        let stream = found.streams.get_mut(encoding)?;
        let mut restarted = false;
        if repair {
            if name.rtx_ssrc.is_some() {
                return None;
            }
            stream.rtx_ssrc = Some(header.ssrc);
        } else {
            if name.ssrc.is_some() {
                return None;
            }
            if stream.ssrc.is_some() {
                stream.restart(header.ssrc);
                restarted = true;
                self.reopen_viewers(track, |shown| shown == encoding);
                self.request_keyframe(now, track);
            } else {
                stream.ssrc = Some(header.ssrc);
            }
        }
        let binding = Binding {
            track,
            encoding,
            repair,
        };
        let peer = self.peers.get_mut(&id)?;
        // A new source brings its own retransmissions: those of the old one would mean other packets of the new.
        peer.bindings.retain(|_, old| {
            (repair != old.repair && !restarted) || old.track != track || old.encoding != encoding
        });
        peer.bindings.insert(header.ssrc, binding);
        Some(binding)
    }

    /// Viewers who wait, or are shown an encoding of which `gone` is true, wait for a new start.
    fn reopen_viewers(&mut self, id: TrackId, gone: impl Fn(usize) -> bool) {
        let Some(track) = self.tracks.get(&id) else {
            return;
        };
        for (viewer, slot) in &track.viewers {
            let peer = self.peers.get_mut(viewer);
            if let Some(slot) = peer.and_then(|peer| peer.slot_mut(*slot))
                && slot.shows().is_none_or(&gone)
            {
                slot.reopen(&track.streams);
            }
        }
    }

    /// A retransmission (RFC 4588) carries an original packet behind its sequence number.
    fn receive_repair(
        &mut self,
        now: Time,
        id: PeerId,
        binding: Binding,
        header: &Header,
        payload: &[u8],
    ) {
        let Some(track) = self.tracks.get_mut(&binding.track) else {
            return;
        };
        let format = track.format_of_rtx(header.payload_type);
        let Some((payload_type, clock_rate)) =
            format.map(|format| (format.payload_type, format.clock_rate))
        else {
            self.counters.dropped_malformed += 1;
            return;
        };
        if let Some(stream) = track.streams.get_mut(binding.encoding) {
            let sequence = stream.rtx_sequence.unwrap(header.sequence);
            stream
                .rtx_reception
                .record(now, sequence, header.timestamp, clock_rate);
        }
        // Browsers probe the path with retransmissions that carry nothing.
        let Some((original, payload)) = payload.split_first_chunk::<2>() else {
            return;
        };
        let mut restored = *header;
        restored.payload_type = payload_type;
        restored.sequence = u16::from_be_bytes(*original);
        self.receive_media(now, id, binding, &restored, payload, None);
    }

    fn receive_media(
        &mut self,
        now: Time,
        id: PeerId,
        binding: Binding,
        header: &Header,
        payload: &[u8],
        level: Option<u8>,
    ) {
        let Some(track) = self.tracks.get_mut(&binding.track) else {
            return;
        };
        let Some(format) = track.format(header.payload_type) else {
            self.counters.dropped_codec += 1;
            return;
        };
        let (codec, clock_rate) = (format.codec, format.clock_rate);
        let rtt = track.viewer_rtt;
        let repair = repairs(track.section.kind, track.section.nack) && track.passes;
        let passes = track.passes;
        let video = track.section.kind == Kind::Video;
        let Some(stream) = track.streams.get_mut(binding.encoding) else {
            return;
        };
        let arrival = stream.arrive(now, header.sequence, header.marker, repair);
        let original = stream.ssrc == Some(header.ssrc);
        if original {
            stream
                .reception
                .record(now, arrival.sequence, header.timestamp, clock_rate);
        }
        if !passes {
            self.counters.dropped_gate += 1;
            return;
        }
        if arrival.sequence < stream.floor() {
            self.counters.dropped_old += 1;
            return;
        }
        let red = match codec {
            Codec::Red if !payload.is_empty() => Red::parse(payload),
            _ => None,
        };
        if codec == Codec::Red && !payload.is_empty() && !red.is_some_and(|red| track.speaks(&red))
        {
            self.counters.dropped_malformed += 1;
            return;
        }
        let Some(stream) = track.streams.get_mut(binding.encoding) else {
            return;
        };
        let starts = codec.starts_keyframe(payload);
        if video {
            let entry = Entry {
                received: now,
                timestamp: header.timestamp,
                payload_type: header.payload_type,
                marker: header.marker,
                keyframe: starts,
                audio_level: level,
                payload: payload.into(),
            };
            if !stream.keep(arrival.sequence, entry, rtt) {
                self.counters.dropped_old += 1;
                return;
            }
            if !original && arrival.recovered {
                self.counters.rtx_recovered += 1;
            }
        }
        let ask_at = stream.nacks.next();
        if video && starts {
            track.governor.keyframe();
        }
        if !track.started && !payload.is_empty() {
            track.started = true;
            self.events.push(Event::TrackStarted {
                track: binding.track,
            });
        }
        let packet = Packet {
            encoding: binding.encoding,
            sequence: arrival.sequence,
            timestamp: header.timestamp,
            payload_type: header.payload_type,
            clock_rate,
            marker: header.marker,
            starts: starts || !video,
            audio_level: level,
            payload,
            red: red.as_ref(),
        };
        if !payload.is_empty() && track.heard(now, binding.encoding) {
            let silent: Vec<bool> = track.streams.iter().map(Stream::is_silent).collect();
            self.reopen_viewers(binding.track, |shown| {
                silent.get(shown).copied().unwrap_or(true)
            });
        }
        if let Some(level) = level {
            self.hear(now, binding.track, level);
        }
        let (needs_keyframe, viewer_rtt) = self.fan_out(now, binding.track, &packet);
        if let Some(track) = self.tracks.get_mut(&binding.track) {
            track.viewer_rtt = viewer_rtt;
        }
        if needs_keyframe || arrival.gap == Gap::TooWide {
            self.request_keyframe(now, binding.track);
        } else if video {
            self.poll_keyframe(now, binding.track);
        }
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.ask_at(ask_at);
        }
        self.reschedule(id);
    }

    /// Writes a packet to every viewer of its track; whether one of them waits for a keyframe, and their longest round trip.
    fn fan_out(&mut self, now: Time, id: TrackId, packet: &Packet<'_>) -> (bool, Duration) {
        let mut needs_keyframe = false;
        let mut longest = Duration::ZERO;
        let Some(track) = self.tracks.get(&id) else {
            return (needs_keyframe, longest);
        };
        for &(viewer, slot) in &track.viewers {
            let Some(peer) = self.peers.get_mut(&viewer) else {
                continue;
            };
            if !peer.gate || !peer.can_send() {
                continue;
            }
            let rtt = peer.rtt;
            longest = longest.max(rtt);
            let Some(slot) = peer
                .slots
                .get_mut(usize::from(slot.0))
                .and_then(Option::as_mut)
            else {
                continue;
            };
            match slot.forward(now, packet, track, rtt, &mut peer.sending) {
                Outcome::Sent(count) => {
                    self.counters.rtp_forwarded += count;
                    if packet.red.is_some() {
                        self.counters.red_recovered += count - 1;
                    }
                    if !peer.dirty {
                        peer.dirty = true;
                        self.dirty.push(viewer);
                    }
                }
                Outcome::NeedsKeyframe => needs_keyframe = true,
                Outcome::Old => self.counters.dropped_old += 1,
                Outcome::NoCodec => self.counters.dropped_codec += 1,
                Outcome::Absorbed | Outcome::Other | Outcome::Closed => {}
            }
        }
        (needs_keyframe, longest)
    }

    /// Sends a keyframe request that had to wait for its turn.
    fn poll_keyframe(&mut self, now: Time, id: TrackId) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        if let Some(media) = track.keyframe_ssrc()
            && track.governor.poll(now)
        {
            let owner = track.owner;
            self.send_keyframe_request(Some(owner), media);
        }
    }

    pub(super) fn count_srtp(&mut self, error: SrtpError) {
        match error {
            SrtpError::Replay | SrtpError::TooOld => self.counters.dropped_replay += 1,
            SrtpError::TooShort => self.counters.dropped_malformed += 1,
            _ => self.counters.dropped_auth += 1,
        }
    }
}
