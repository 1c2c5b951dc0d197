//! What a slot does with a packet of its track: begins with it, passes it on or leaves it out.

use std::time::Duration;

use crate::command::Kind;
use crate::engine::packet::Packet;
use crate::engine::sending::Sending;
use crate::engine::slot::{Slot, State};
use crate::engine::track::Track;
use crate::time::Time;

/// What a viewer's section did with a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Sent, this many packets (a late start of a keyframe brings what had followed it).
    Sent(u64),
    /// Padding that leaves no gap.
    Absorbed,
    /// The viewer can't start before a keyframe.
    NeedsKeyframe,
    /// Sent before the opening.
    Old,
    /// Of an encoding that the viewer is not shown.
    Other,
    /// The viewer's section lacks the codec.
    NoCodec,
    Closed,
}

impl Slot {
    /// Writes a packet of the slot's track as the viewer is to see it.
    pub fn forward(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        track: &Track,
        rtt: Duration,
        sending: &mut Sending,
    ) -> Outcome {
        self.bridge(packet, track);
        let Some(fill) = &mut self.fill else {
            return Outcome::Closed;
        };
        match &mut fill.state {
            State::Closed => Outcome::Closed,
            State::Waiting { floors } => {
                if packet.encoding != track.preferred() {
                    return Outcome::Other;
                }
                // No keyframe helps a viewer without the codec.
                if fill.formats.find(packet.payload_type).is_none() {
                    return Outcome::NoCodec;
                }
                if !packet.starts || packet.payload.is_empty() {
                    return Outcome::NeedsKeyframe;
                }
                if floors
                    .get(packet.encoding)
                    .is_some_and(|floor| packet.sequence < *floor)
                {
                    return Outcome::Old;
                }
                self.start(now, packet);
                let marked = Packet {
                    // A viewer's jitter buffer may adapt at the start of a talk spurt (RFC 3551 section 4.1).
                    marker: packet.marker || track.section.kind == Kind::Audio,
                    ..*packet
                };
                let mut sent = u64::from(self.write(now, &marked, rtt, sending));
                sent += self.catch_up(now, packet, track, rtt, sending);
                Outcome::Sent(sent)
            }
            State::Passing(passing) => {
                if packet.encoding != passing.encoding {
                    return Outcome::Other;
                }
                if packet.sequence < passing.first {
                    return Outcome::Old;
                }
                if packet.payload.is_empty() && packet.sequence == passing.newest + 1 {
                    passing.absorb(packet.sequence);
                    return Outcome::Absorbed;
                }
                if fill.formats.find(packet.payload_type).is_none() {
                    // Left out here they would be missing to the viewer, who would ask for them.
                    self.reopen(&track.streams);
                    return Outcome::NoCodec;
                }
                let recovered = self.recover(now, packet, rtt, sending);
                match self.write(now, packet, rtt, sending) {
                    true => Outcome::Sent(recovered + 1),
                    false if recovered > 0 => Outcome::Sent(recovered),
                    false => Outcome::Old,
                }
            }
        }
    }
}
