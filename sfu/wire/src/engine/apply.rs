//! Commands: what the node asks for, applied as a difference to what is.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::{Command, Keys, PeerId, RoomId, Route, SlotId, TrackId};
use crate::counters::Content;
use crate::engine::peer::Peer;
use crate::engine::{Engine, timers};
use crate::ice;
use crate::srtp::{Opener, Profile, Sealer};
use crate::time::Time;

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
                peer.sending.outbox.push(Content::Dtls, datagram);
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
        // Once for all: a second handshake is a new peer's. Set again, the same keys would begin anew with indexes that
        // were used (RFC 3711 section 9.1) and let in what came before.
        if peer.opener.is_some() {
            return;
        }
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
        // The table may name a slot twice; the later route has it, as often as the table is set.
        let mut fillers: BTreeMap<(PeerId, SlotId), TrackId> = BTreeMap::new();
        for route in routes {
            if self.fits(room, &route) {
                fillers.insert((route.viewer, route.slot), route.track);
            }
        }
        let wanted: BTreeSet<Route> = fillers
            .into_iter()
            .map(|((viewer, slot), track)| Route {
                track,
                viewer,
                slot,
            })
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
        self.empty(route.viewer, route.slot);
        if let Some(track) = self.tracks.get_mut(&route.track) {
            track
                .viewers
                .retain(|viewer| *viewer != (route.viewer, route.slot));
        }
    }

    /// Nothing fills the slot any more, and nothing that waits for it goes out.
    fn empty(&mut self, viewer: PeerId, slot: SlotId) {
        if let Some(peer) = self.peers.get_mut(&viewer) {
            if let Some(slot) = peer.slot_mut(slot) {
                slot.unassign();
            }
            self.counters.rtp_withdrawn += peer.sending.outbox.withdraw(slot);
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
        // What filled the slot before was unrouted: the table names a slot once.
        slot.assign(track);
        track.viewers.push((route.viewer, route.slot));
        if self.refresh_slot(route.viewer, route.slot) {
            self.request_keyframe(now, route.track);
        }
    }

    pub(super) fn remove_track(&mut self, id: TrackId) {
        let Some(track) = self.tracks.remove(&id) else {
            return;
        };
        for (viewer, slot) in track.viewers {
            self.empty(viewer, slot);
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
