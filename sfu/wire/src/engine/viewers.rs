//! The viewers of a track: what passes goes to each of them, and what no longer comes to none.

use std::time::Duration;

use crate::command::TrackId;
use crate::engine::Engine;
use crate::engine::packet::Packet;
use crate::engine::slot::Outcome;
use crate::time::Time;

impl Engine {
    /// Writes a packet to every viewer of its track; whether one of them waits for a keyframe, and their longest round trip.
    pub(super) fn fan_out(
        &mut self,
        now: Time,
        id: TrackId,
        packet: &Packet<'_>,
    ) -> (bool, Duration) {
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

    /// Viewers who wait, or are shown an encoding of which `gone` is true, wait for a new start.
    pub(super) fn reopen_viewers(&mut self, id: TrackId, gone: impl Fn(usize) -> bool) {
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
}
