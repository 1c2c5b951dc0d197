//! Commands: what the node asks for, applied as a difference to what is.

use std::collections::BTreeSet;

use crate::command::{
    Command, Extensions, Keys, Kind, PeerId, ReceiveTrack, RoomId, Route, SendSlot, SlotId, TrackId,
};
use crate::engine::peer::{Binding, Peer};
use crate::engine::slot::Slot;
use crate::engine::track::Track;
use crate::engine::{Engine, timers};
use crate::ice;
use crate::srtp::{Opener, Profile, Sealer};
use crate::time::Time;

/// m-lines of one peer; the SDP layer refuses more.
const MOST_SECTIONS: usize = 128;

impl Engine {
    /// Carries out a command. One that names what does not exist has no effect: the node may have been overtaken.
    pub fn apply(&mut self, now: Time, command: Command) {
        match command {
            Command::OpenPeer {
                peer,
                room,
                local,
                remote_ufrag,
                ssrc,
            } => self.open_peer(peer, room, local, remote_ufrag, ssrc),
            Command::RestartIce {
                peer,
                local,
                remote_ufrag,
            } => self.restart_ice(peer, local, remote_ufrag),
            Command::SendDtls { peer, datagrams } => self.send_dtls(peer, &datagrams),
            Command::SetKeys { peer, keys } => self.set_keys(now, peer, &keys),
            Command::SetSections {
                peer,
                tracks,
                slots,
            } => self.set_sections(now, peer, tracks, slots),
            Command::SetGate { peer, open } => self.set_gate(now, peer, open),
            Command::SetMute { track, muted } => {
                if let Some(found) = self.tracks.get_mut(&track) {
                    found.muted = muted;
                    self.refresh_track(now, track);
                }
            }
            Command::SetRoutes { room, routes } => self.set_routes(now, room, routes),
            Command::ClosePeer { peer } => self.close_peer(peer),
        }
    }

    fn open_peer(
        &mut self,
        id: PeerId,
        room: RoomId,
        local: ice::Credentials,
        remote_ufrag: String,
        ssrc: u32,
    ) {
        self.close_peer(id);
        let agent = ice::Agent::new(local, remote_ufrag);
        self.peers
            .insert(id, Peer::new(room, ssrc, agent, self.clock));
        self.rooms.entry(room).or_default().push(id);
        self.register_ufrags(id);
    }

    fn restart_ice(&mut self, id: PeerId, local: ice::Credentials, remote_ufrag: String) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.agent.restart(local, remote_ufrag);
            self.register_ufrags(id);
        }
    }

    /// Makes the lookup by ufrag follow the peer's agent.
    pub(super) fn register_ufrags(&mut self, id: PeerId) {
        self.ufrags.retain(|_, owner| *owner != id);
        if let Some(peer) = self.peers.get(&id) {
            for ufrag in peer.agent.local_ufrags() {
                self.ufrags.insert(ufrag.to_owned(), id);
            }
        }
    }

    fn send_dtls(&mut self, id: PeerId, datagrams: &[Vec<u8>]) {
        if let Some(peer) = self.peers.get_mut(&id) {
            for datagram in datagrams {
                peer.sending.outbox.push(datagram);
            }
            self.mark_dirty(id);
        }
    }

    fn set_keys(&mut self, now: Time, id: PeerId, keys: &Keys) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let Some(profile) = Profile::from_id(keys.profile) else {
            return;
        };
        let (Some((local_key, local_salt)), Some((remote_key, remote_salt))) =
            (profile.split(&keys.local), profile.split(&keys.remote))
        else {
            return;
        };
        let sealer = Sealer::new(profile, local_key, local_salt);
        let opener = Opener::new(profile, remote_key, remote_salt);
        if let (Ok(sealer), Ok(opener)) = (sealer, opener) {
            peer.sending.sealer = Some(sealer);
            peer.opener = Some(opener);
            peer.report_at = Some(now + timers::FIRST_REPORT);
            self.reschedule(id);
        }
    }

    fn set_sections(
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
                track.update(section);
                self.retranslate(id);
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

    /// Viewers of a track whose formats or encodings changed.
    fn retranslate(&mut self, id: TrackId) {
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
                slot.reopen(&track.streams);
            }
        }
    }

    /// SSRCs that the offer named. What was learnt from packets stays while its track does.
    fn bind_signalled(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let tracks = &self.tracks;
        peer.bindings.retain(|_, binding| {
            tracks
                .get(&binding.track)
                .is_some_and(|track| track.streams.get(binding.encoding).is_some())
        });
        for track in &peer.tracks {
            let Some(found) = tracks.get(track) else {
                continue;
            };
            for (encoding, stream) in found.streams.iter().enumerate() {
                let named = [(stream.ssrc, false), (stream.rtx_ssrc, true)];
                for (ssrc, repair) in named {
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

    fn set_slots(&mut self, now: Time, id: PeerId, sections: Vec<SendSlot>) {
        let mut emptied = Vec::new();
        let mut changed = Vec::new();
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
        for (place, section) in peer.slots.iter_mut().zip(wanted) {
            let same = match (place.as_ref(), section.as_ref()) {
                (Some(slot), Some(section)) => {
                    slot.section.ssrc == section.ssrc && slot.section.rtx_ssrc == section.rtx_ssrc
                }
                _ => false,
            };
            match (place.as_mut(), section) {
                (Some(slot), Some(section)) if same => {
                    if slot.section != section {
                        slot.section = section;
                        changed.extend(slot.fill.as_ref().map(|fill| fill.track));
                    }
                }
                (before, section) => {
                    if let Some(slot) = before {
                        let (next, next_rtx) = slot.numbers();
                        peer.retired.insert(slot.section.ssrc, next);
                        if let Some(rtx) = slot.section.rtx_ssrc {
                            peer.retired.insert(rtx, next_rtx);
                        }
                        emptied.extend(
                            slot.fill
                                .as_ref()
                                .map(|fill| (fill.track, slot.section.slot)),
                        );
                    }
                    *place = section.map(|section| {
                        let start = first_number(peer.retired.get(&section.ssrc), &mut self.random);
                        let rtx = section.rtx_ssrc.and_then(|ssrc| peer.retired.get(&ssrc));
                        let start_rtx = first_number(rtx, &mut self.random);
                        Slot::new(section, start, start_rtx)
                    });
                }
            }
        }
        for (track, slot) in emptied {
            if let Some(track) = self.tracks.get_mut(&track) {
                track.viewers.retain(|viewer| *viewer != (id, slot));
            }
        }
        for track in changed {
            self.retranslate(track);
            self.request_keyframe(now, track);
        }
    }

    fn set_gate(&mut self, now: Time, id: PeerId, open: bool) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if peer.gate == open {
            return;
        }
        peer.gate = open;
        let published = peer.tracks.clone();
        let watched: Vec<(SlotId, TrackId)> = peer.filled().collect();
        for track in published {
            self.refresh_track(now, track);
        }
        for (slot, track) in watched {
            if self.refresh_slot(id, slot) {
                self.request_keyframe(now, track);
            }
        }
    }

    fn set_routes(&mut self, now: Time, room: RoomId, routes: Vec<Route>) {
        let wanted: BTreeSet<Route> = routes
            .into_iter()
            .filter(|route| self.fits(room, route))
            .collect();
        let members = self.rooms.get(&room).cloned().unwrap_or_default();
        let mut present = BTreeSet::new();
        for viewer in members {
            if let Some(peer) = self.peers.get(&viewer) {
                present.extend(peer.filled().map(|(slot, track)| Route {
                    track,
                    viewer,
                    slot,
                }));
            }
        }
        for route in present.difference(&wanted) {
            self.unroute(route);
        }
        for route in wanted.difference(&present) {
            self.route(now, route);
        }
    }

    /// Both ends are in the room, of one kind, and not the same person.
    fn fits(&self, room: RoomId, route: &Route) -> bool {
        let Some(track) = self.tracks.get(&route.track) else {
            return false;
        };
        let Some(viewer) = self.peers.get(&route.viewer) else {
            return false;
        };
        let slot = viewer
            .slots
            .get(usize::from(route.slot.0))
            .and_then(Option::as_ref);
        track.room == room
            && viewer.room == room
            && track.owner != route.viewer
            && slot.is_some_and(|slot| slot.section.kind == track.section.kind)
    }

    fn unroute(&mut self, route: &Route) {
        if let Some(slot) = self
            .peers
            .get_mut(&route.viewer)
            .and_then(|peer| peer.slot_mut(route.slot))
        {
            slot.unassign();
        }
        if let Some(track) = self.tracks.get_mut(&route.track) {
            track
                .viewers
                .retain(|viewer| *viewer != (route.viewer, route.slot));
        }
    }

    fn route(&mut self, now: Time, route: &Route) {
        let Some(track) = self.tracks.get_mut(&route.track) else {
            return;
        };
        let Some(slot) = self
            .peers
            .get_mut(&route.viewer)
            .and_then(|peer| peer.slot_mut(route.slot))
        else {
            return;
        };
        // The table may name a slot twice; the later route has it.
        let before = slot.fill.as_ref().map(|fill| fill.track);
        slot.assign(track);
        track.viewers.push((route.viewer, route.slot));
        if let Some(before) = before.and_then(|before| self.tracks.get_mut(&before)) {
            before
                .viewers
                .retain(|viewer| *viewer != (route.viewer, route.slot));
        }
        if self.refresh_slot(route.viewer, route.slot) {
            self.request_keyframe(now, route.track);
        }
    }

    fn remove_track(&mut self, id: TrackId) {
        let Some(track) = self.tracks.remove(&id) else {
            return;
        };
        for (viewer, slot) in track.viewers {
            if let Some(slot) = self
                .peers
                .get_mut(&viewer)
                .and_then(|peer| peer.slot_mut(slot))
            {
                slot.unassign();
            }
        }
        if let Some(owner) = self.peers.get_mut(&track.owner) {
            owner.tracks.retain(|track| *track != id);
            owner.bindings.retain(|_, binding| binding.track != id);
        }
    }

    fn close_peer(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get(&id) else {
            return;
        };
        let room = peer.room;
        let filled: Vec<(SlotId, TrackId)> = peer.filled().collect();
        for track in peer.tracks.clone() {
            self.remove_track(track);
        }
        for (slot, track) in filled {
            if let Some(track) = self.tracks.get_mut(&track) {
                track.viewers.retain(|viewer| *viewer != (id, slot));
            }
        }
        self.peers.remove(&id);
        self.tuples.retain(|_, owner| *owner != id);
        self.ufrags.retain(|_, owner| *owner != id);
        self.dirty.retain(|dirty| *dirty != id);
        if let Some(members) = self.rooms.get_mut(&room) {
            members.retain(|member| *member != id);
            if members.is_empty() {
                self.rooms.remove(&room);
            }
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

/// Kinds that have retransmission: nobody asks for audio again.
pub(super) fn repairs(kind: Kind, nack: bool) -> bool {
    kind == Kind::Video && nack
}
