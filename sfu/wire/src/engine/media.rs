//! Media of a publisher, its first sending or a retransmission: what it means to the track, and on to the viewers.

use crate::codec::Codec;
use crate::command::{Kind, PeerId};
use crate::engine::Engine;
use crate::engine::history::Entry;
use crate::engine::nack::Gap;
use crate::engine::packet::Packet;
use crate::engine::peer::Binding;
use crate::engine::stream::Stream;
use crate::event::Event;
use crate::red::Red;
use crate::rtp::Header;
use crate::time::Time;

impl Engine {
    /// A retransmission (RFC 4588) carries an original packet behind its sequence number.
    pub(super) fn receive_repair(
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

    pub(super) fn receive_media(
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
        let passes = track.passes;
        let repair = track.section.nack && passes;
        let video = track.section.kind == Kind::Video;
        let Some(stream) = track.streams.get_mut(binding.encoding) else {
            return;
        };
        // Each packet of sound is whole.
        let ends = header.marker || !video;
        let arrival = stream.arrive(now, header.sequence, ends, repair);
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
            if !original && arrival.recovered.is_some() {
                self.counters.rtx_recovered += 1;
            }
        } else {
            // Sound is sent again as it was (RFC 4585): only that it was asked for tells it from sound that was held back.
            if arrival.recovered.is_some_and(|asked| asked > 0) {
                self.counters.rtx_recovered += 1;
            }
            if let Some(red) = red.filter(|_| arrival.newest) {
                stream.copied(arrival.sequence, &red);
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
}
