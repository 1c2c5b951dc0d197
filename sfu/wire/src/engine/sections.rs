//! What a peer's offers and answers agreed on: sections in which it sends, and in which we send.

use std::collections::BTreeSet;

use crate::command::{Extensions, PeerId, ReceiveTrack, RoomId, SendSlot, TrackId};
use crate::engine::Engine;
use crate::engine::peer::Binding;
use crate::engine::slot::Slot;
use crate::engine::track::Track;
use crate::time::Time;

/// m-lines of one peer; the SDP layer refuses more.
const MOST_SECTIONS: usize = 128;

impl Engine {
    pub(super) fn set_sections(
        &mut self,
        now: Time,
        id: PeerId,
        tracks: Vec<ReceiveTrack>,
        slots: Vec<SendSlot>,
    ) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let room = peer.room;
        let wanted: BTreeSet<TrackId> = tracks.iter().map(|section| section.track).collect();
        let gone: Vec<TrackId> = peer
            .tracks
            .iter()
            .copied()
            .filter(|track| !wanted.contains(track))
            .collect();
        for track in gone {
            self.remove_track(track);
        }
        let mut extensions = Extensions::default();
        for section in &tracks {
            merge(&mut extensions, &section.extensions);
        }
        for section in tracks.into_iter().take(MOST_SECTIONS) {
            self.set_track(now, id, room, section);
        }
        self.bind_signalled(id);
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        peer.extensions = extensions;
        self.set_slots(now, id, slots);
    }

    fn set_track(&mut self, now: Time, owner: PeerId, room: RoomId, section: ReceiveTrack) {
        let id = section.track;
        match self.tracks.get_mut(&id) {
            // An id belongs to its first owner.
            Some(track) if track.owner != owner => {}
            Some(track) if track.section == section => {}
            Some(track) => {
                let moved = track.update(section);
                self.retranslate(id, moved);
            }
            None => {
                self.tracks.insert(id, Track::new(section, owner, room));
                if let Some(peer) = self.peers.get_mut(&owner) {
                    peer.tracks.push(id);
                }
                self.refresh_track(now, id);
            }
        }
    }

    /// Viewers of a track whose formats or, when it `moved`, encodings changed.
    fn retranslate(&mut self, id: TrackId, moved: bool) {
        let Some(track) = self.tracks.get(&id) else {
            return;
        };
        for (viewer, slot) in &track.viewers {
            if let Some(slot) = self
                .peers
                .get_mut(viewer)
                .and_then(|peer| peer.slot_mut(*slot))
            {
                slot.retranslate(track);
                if moved {
                    slot.reopen(&track.streams);
                }
            }
        }
    }

    /// Binds SSRCs anew: encodings may have moved. What was learnt from packets stays while its encoding does, and gives
    /// way to what the offer names.
    fn bind_signalled(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        peer.bindings.clear();
        for named in [false, true] {
            for track in &peer.tracks {
                let Some(found) = self.tracks.get(track) else {
                    continue;
                };
                let encodings = found.section.encodings.iter().zip(&found.streams);
                for (encoding, (name, stream)) in encodings.enumerate() {
                    let (ssrc, rtx_ssrc) = if named {
                        (name.ssrc, name.rtx_ssrc)
                    } else {
                        (stream.ssrc, stream.rtx_ssrc)
                    };
                    for (ssrc, repair) in [(ssrc, false), (rtx_ssrc, true)] {
                        if let Some(ssrc) = ssrc {
                            let binding = Binding {
                                track: *track,
                                encoding,
                                repair,
                            };
                            peer.bindings.insert(ssrc, binding);
                        }
                    }
                }
            }
        }
    }

    fn set_slots(&mut self, now: Time, id: PeerId, sections: Vec<SendSlot>) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let mut wanted: Vec<Option<SendSlot>> = Vec::new();
        for section in sections {
            let index = usize::from(section.slot.0);
            if index < MOST_SECTIONS {
                wanted.resize_with(wanted.len().max(index + 1), || None);
                if let Some(place) = wanted.get_mut(index) {
                    *place = Some(section);
                }
            }
        }
        let length = peer.slots.len().max(wanted.len());
        peer.slots.resize_with(length, || None);
        wanted.resize_with(length, || None);
        // First all that go leave their numbers behind, for their SSRCs may come back in another section at once.
        let mut emptied = Vec::new();
        for (place, section) in peer.slots.iter_mut().zip(&wanted) {
            let Some(slot) = place.take_if(|slot| {
                !section
                    .as_ref()
                    .is_some_and(|section| slot.continues(section))
            }) else {
                continue;
            };
            let (next, next_rtx) = slot.numbers();
            peer.retired.insert(slot.section.ssrc, next);
            if let Some(rtx) = slot.section.rtx_ssrc {
                peer.retired.insert(rtx, next_rtx);
            }
            self.counters.rtp_withdrawn += peer.sending.outbox.withdraw(slot.section.slot);
            emptied.extend(slot.fill.map(|fill| (fill.track, slot.section.slot)));
        }
        let mut taken: BTreeSet<u32> = BTreeSet::new();
        for slot in peer.slots.iter().flatten() {
            taken.extend(slot.section.ssrcs());
        }
        let mut changed = Vec::new();
        for (place, section) in peer.slots.iter_mut().zip(wanted) {
            match (place, section) {
                (Some(slot), Some(section)) => {
                    if slot.section != section {
                        slot.section = section;
                        let fill = slot.fill.as_ref();
                        if let Some(track) = fill.and_then(|fill| self.tracks.get(&fill.track)) {
                            slot.retranslate(track);
                            changed.push(track.section.track);
                        }
                    }
                }
                (place @ None, Some(section)) => {
                    // Two streams under one SSRC would use its indexes twice: such a section stays empty.
                    if section.ssrcs().any(|ssrc| !taken.insert(ssrc)) {
                        continue;
                    }
                    let start = first_number(peer.retired.get(&section.ssrc), &mut self.random);
                    let rtx = section.rtx_ssrc.and_then(|ssrc| peer.retired.get(&ssrc));
                    let start_rtx = first_number(rtx, &mut self.random);
                    *place = Some(Slot::new(section, start, start_rtx));
                }
                (_, None) => {}
            }
        }
        for (track, slot) in emptied {
            if let Some(track) = self.tracks.get_mut(&track) {
                track.viewers.retain(|viewer| *viewer != (id, slot));
            }
        }
        for track in changed {
            self.request_keyframe(now, track);
        }
    }
}

fn first_number(retired: Option<&u64>, random: &mut super::Random) -> u64 {
    retired.copied().unwrap_or_else(|| random.first_sequence())
}

/// Ids of extensions mean the same in all sections of a BUNDLE (RFC 8843 section 9.2).
fn merge(all: &mut Extensions, one: &Extensions) {
    all.mid = all.mid.or(one.mid);
    all.rid = all.rid.or(one.rid);
    all.repaired_rid = all.repaired_rid.or(one.repaired_rid);
    all.transport_cc = all.transport_cc.or(one.transport_cc);
    all.abs_send_time = all.abs_send_time.or(one.abs_send_time);
    all.audio_level = all.audio_level.or(one.audio_level);
}
