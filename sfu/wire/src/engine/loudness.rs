//! Who is heard: how loud each audio track that passes has been, told to the node a few times a second.

use std::time::Duration;

use crate::command::{Kind, PeerId, RoomId, TrackId};
use crate::engine::Engine;
use crate::event::Event;
use crate::time::Time;

/// How often the node hears of it: three times within the patience of somebody who looks for the speaker.
const EVERY: Duration = Duration::from_millis(200);
/// In -dBov (RFC 6464): what a muted microphone and a pause of the encoder send.
const SILENCE: u8 = 127;
/// Who is alone is heard by nobody.
const AUDIBLE: usize = 2;

/// The mean power of a track's packets since it was last told.
#[derive(Clone, Copy, Default, Debug)]
pub struct Loudness {
    power: f32,
    packets: u32,
}

impl Loudness {
    /// Takes the level of a packet, 0 to 127 -dBov; true for the first since the last telling.
    pub fn hear(&mut self, level: u8) -> bool {
        if level < SILENCE {
            self.power += 10_f32.powf(-f32::from(level) / 10.0);
        }
        self.packets += 1;
        self.packets == 1
    }

    /// The level of the mean power in -dBov, and begins anew.
    pub fn take(&mut self) -> u8 {
        let Self { power, packets } = std::mem::take(self);
        if packets == 0 {
            return SILENCE;
        }
        // Cast floats saturate: no power is infinitely quiet.
        ((-10.0 * (power / packets as f32).log10()).round() as u8).min(SILENCE)
    }
}

impl Engine {
    /// A packet of an audio track that passes came with its level.
    pub(super) fn hear(&mut self, now: Time, id: TrackId, level: u8) {
        if let Some(track) = self.tracks.get_mut(&id)
            && track.section.kind == Kind::Audio
            && track.loudness.hear(level & 0x7F)
        {
            self.heard.push(id);
        }
        if now >= self.levels_at && !self.levels_wait {
            self.levels_at = now + EVERY;
            self.tell_levels();
        }
    }

    /// One event for all rooms: whoever listens is woken once.
    fn tell_levels(&mut self) {
        let mut levels = Vec::new();
        for id in std::mem::take(&mut self.heard) {
            let Some(track) = self.tracks.get_mut(&id) else {
                continue;
            };
            let level = track.loudness.take();
            let room = track.room;
            if level < SILENCE && self.count_open(room) >= AUDIBLE {
                levels.push((id, level));
            }
        }
        if !levels.is_empty() {
            self.levels_wait = true;
            self.events.push(Event::Levels { levels });
        }
    }

    /// How many of a room are inside.
    fn count_open(&self, room: RoomId) -> usize {
        let is_open = |id: &&PeerId| self.peers.get(id).is_some_and(|peer| peer.gate);
        self.rooms
            .get(&room)
            .map_or(0, |members| members.iter().filter(is_open).count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_that_of_the_mean_power() {
        let cases: [(&[u8], u8); 6] = [
            (&[], 127),
            (&[127, 127], 127),
            (&[30], 30),
            (&[0, 0], 0),
            // Half of the time at 30 is 3 dB less; what is far below counts for nothing.
            (&[30, 127], 33),
            (&[20, 60, 60, 60], 26),
        ];
        for (heard, expected) in cases {
            let mut loudness = Loudness::default();
            for &level in heard {
                loudness.hear(level);
            }
            assert_eq!(loudness.take(), expected, "{heard:?}");
            assert_eq!(loudness.take(), SILENCE, "begins anew");
        }
    }
}
