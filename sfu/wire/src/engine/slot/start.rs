//! Where a source begins for a viewer: joined to what the viewer saw last, whatever that was.

use std::time::Duration;

use crate::engine::packet::Packet;
use crate::engine::passing::Passing;
use crate::engine::sending::Sending;
use crate::engine::slot::{Slot, State};
use crate::engine::stream::Stream;
use crate::engine::track::Track;
use crate::time::Time;

/// Numbers that may be left out at once, as many as a publisher can be asked for. A viewer that misses some packets around
/// a jump of half the sequence space loses count of the roll-overs for good (RFC 3711 section 3.3.1), and with it the
/// section, whoever fills it next: a wider gap is closed, at the price of a keyframe.
const MOST_GAP: u64 = 512;

impl Slot {
    /// A gap too wide to be passed on: the slot waits for a new start, which may be this very packet.
    pub(super) fn bridge(&mut self, packet: &Packet<'_>, track: &Track) {
        if let Some(fill) = &mut self.fill
            && let State::Passing(passing) = &fill.state
            && packet.encoding == passing.encoding
            && passing
                .translate(packet.sequence)
                .is_some_and(|ours| ours > self.next + MOST_GAP)
        {
            self.sent.clear();
            let mut floors: Vec<u64> = track.streams.iter().map(Stream::next).collect();
            if let Some(floor) = floors.get_mut(packet.encoding) {
                *floor = packet.sequence;
            }
            fill.state = State::Waiting { floors };
        }
    }

    /// Joins a source to what the viewer saw last: numbers without a gap, the timestamp further by the time that passed.
    pub(super) fn start(&mut self, now: Time, packet: &Packet<'_>) {
        let timestamp = match self.last {
            Some((last, at)) => {
                let elapsed = now.since(at).as_micros() * u128::from(packet.clock_rate) / 1_000_000;
                last.wrapping_add((elapsed as u32).max(1))
            }
            None => packet.timestamp,
        };
        if let Some(fill) = &mut self.fill {
            let offset = timestamp.wrapping_sub(packet.timestamp);
            let passing = Passing::new(packet.encoding, packet.sequence, self.next, offset)
                .begun_at(packet.timestamp);
            fill.state = State::Passing(passing);
        }
    }

    /// Packets that came before the keyframe's late first one, but follow it.
    pub(super) fn catch_up(
        &mut self,
        now: Time,
        first: &Packet<'_>,
        track: &Track,
        rtt: Duration,
        sending: &mut Sending,
    ) -> u64 {
        let Some(stream) = track.streams.get(first.encoding) else {
            return 0;
        };
        let mut sent = 0;
        for (sequence, entry) in stream.history.after(first.sequence) {
            let packet = Packet {
                sequence,
                timestamp: entry.timestamp,
                payload_type: entry.payload_type,
                marker: entry.marker,
                starts: entry.keyframe,
                audio_level: entry.audio_level,
                payload: &entry.payload,
                ..*first
            };
            sent += u64::from(self.write(now, &packet, rtt, sending));
        }
        sent
    }
}
