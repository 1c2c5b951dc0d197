//! The engine: datagrams, commands and time in; datagrams and events out. It opens no socket and reads no clock.
//!
//! One engine holds whole rooms, so nothing in it is shared and nothing locks.

mod apply;
mod binding;
mod clock;
mod connect;
mod dispatch;
mod echo;
mod feedback;
mod governor;
mod history;
mod keyframes;
mod loudness;
mod media;
mod nack;
pub mod outbox;
mod packet;
mod passing;
mod peer;
mod receive;
mod reception;
mod sections;
mod sending;
mod sent;
mod slot;
mod stream;
#[cfg(test)]
pub(crate) mod tests;
mod timers;
mod track;
mod translation;
mod viewers;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use crate::command::{PeerId, RoomId, Route, SlotId, TrackId};
use crate::counters::{Content, Counters};
use crate::engine::clock::NtpClock;
use crate::engine::loudness::Loudness;
use crate::engine::outbox::Run;
use crate::engine::peer::Peers;
use crate::engine::track::Track;
use crate::event::Event;
use crate::time::Time;
use crate::tuple::Tuple;

/// What an engine is given at birth.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// NTP timestamp (RFC 5905) of [`Time::ZERO`].
    pub ntp_at_zero: u64,
    /// Seeds first sequence numbers; secrecy is not asked of them.
    pub seed: u64,
}

pub struct Engine {
    clock: NtpClock,
    random: Random,
    peers: Peers,
    tracks: FxHashMap<TrackId, Track>,
    rooms: FxHashMap<RoomId, Vec<PeerId>>,
    ufrags: FxHashMap<String, PeerId>,
    tuples: FxHashMap<Tuple, PeerId>,
    timers: BinaryHeap<Reverse<(Time, PeerId)>>,
    /// Peers whose outbox is not empty.
    dirty: Vec<PeerId>,
    /// Replies to addresses rather than to peers: STUN.
    direct: Vec<(Tuple, Vec<u8>)>,
    events: Vec<Event>,
    /// Audio tracks that passed since the node was last told how loud they are.
    heard: Vec<TrackId>,
    /// When it may be told again, and that it has not taken the last yet.
    levels_at: Time,
    levels_wait: bool,
    /// Peers of which the node has not taken everything yet.
    waiting: Vec<PeerId>,
    pub counters: Counters,
}

impl Engine {
    pub fn new(config: Config) -> Self {
        Self {
            clock: NtpClock::new(config.ntp_at_zero),
            random: Random(config.seed),
            peers: Peers::default(),
            tracks: FxHashMap::default(),
            rooms: FxHashMap::default(),
            ufrags: FxHashMap::default(),
            tuples: FxHashMap::default(),
            timers: BinaryHeap::new(),
            dirty: Vec::new(),
            direct: Vec::new(),
            events: Vec::new(),
            heard: Vec::new(),
            levels_at: Time::ZERO,
            levels_wait: false,
            waiting: Vec::new(),
            counters: Counters::default(),
        }
    }

    /// Hands over what is to be sent: the addresses, and runs of datagrams of one size.
    pub fn drain_transmits(&mut self, mut send: impl FnMut(Tuple, Run<'_>)) {
        for (tuple, datagram) in self.direct.drain(..) {
            self.counters.datagrams_sent += 1;
            self.counters.bytes_sent += datagram.len() as u64;
            self.counters.sent(Content::Stun, datagram.len());
            send(
                tuple,
                Run {
                    contents: &datagram,
                    segment: datagram.len(),
                    count: 1,
                },
            );
        }
        for id in self.dirty.drain(..) {
            let Some(peer) = self.peers.get_mut(&id) else {
                continue;
            };
            peer.dirty = false;
            if let Some(tuple) = peer.agent.selected() {
                for run in peer.sending.outbox.runs() {
                    self.counters.datagrams_sent += run.count as u64;
                    self.counters.bytes_sent += run.contents.len() as u64;
                    send(tuple, run);
                }
                for (content, size) in peer.sending.outbox.contents() {
                    self.counters.sent(content, size);
                }
            }
            peer.sending.outbox.clear();
        }
    }

    pub fn has_transmits(&self) -> bool {
        !self.direct.is_empty() || !self.dirty.is_empty()
    }

    /// Hands over the events since the last call. They count as waiting, and few of a peer may wait, until
    /// [`Engine::events_taken`].
    pub fn drain_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The node has taken what was handed over.
    pub fn events_taken(&mut self) {
        self.levels_wait = false;
        for id in self.waiting.drain(..) {
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.waiting = peer::Waiting::default();
            }
        }
    }

    /// Tells the node that media to a peer goes elsewhere, unless it has yet to hear it.
    fn path_changed(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if !peer.waiting.path {
            peer.waiting.path = true;
            self.note_waiting(id);
            self.events.push(Event::PathChanged { peer: id });
        }
    }

    fn note_waiting(&mut self, id: PeerId) {
        if !self.waiting.contains(&id) {
            self.waiting.push(id);
        }
    }

    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// The forwarding table as it is, in order, gates aside.
    pub fn routes(&self) -> Vec<Route> {
        let mut routes: Vec<Route> = self
            .peers
            .iter()
            .flat_map(|(&viewer, peer)| {
                peer.filled().map(move |(slot, track)| Route {
                    track,
                    viewer,
                    slot,
                })
            })
            .collect();
        routes.sort_unstable();
        routes
    }

    /// The routes through which media passes now: both gates open, the track not muted.
    pub fn open_routes(&self) -> Vec<Route> {
        let is_open = |route: &Route| {
            self.peers
                .get(&route.viewer)
                .and_then(|peer| peer.slots.get(usize::from(route.slot.0))?.as_ref())
                .is_some_and(slot::Slot::is_open)
        };
        self.routes().into_iter().filter(is_open).collect()
    }

    /// Peers in the engine, in order.
    pub fn peers(&self) -> Vec<PeerId> {
        let mut peers: Vec<PeerId> = self.peers.keys().copied().collect();
        peers.sort_unstable();
        peers
    }

    /// Bytes held for retransmission, in all.
    pub fn history_bytes(&self) -> usize {
        self.tracks
            .values()
            .flat_map(|track| &track.streams)
            .map(|stream| stream.history.bytes())
            .sum()
    }

    /// Brings one slot in line with both gates; says whether it has just opened.
    fn refresh_slot(&mut self, viewer: PeerId, slot: SlotId) -> bool {
        let Some(peer) = self.peers.get_mut(&viewer) else {
            return false;
        };
        let Some(slot) = peer
            .slots
            .get_mut(usize::from(slot.0))
            .and_then(Option::as_mut)
        else {
            return false;
        };
        let Some(track) = slot
            .fill
            .as_ref()
            .and_then(|fill| self.tracks.get(&fill.track))
        else {
            return false;
        };
        if peer.gate && track.passes {
            slot.open(&track.streams)
        } else {
            slot.close();
            self.counters.rtp_withdrawn += peer.sending.outbox.withdraw(slot.section.slot);
            false
        }
    }

    /// Brings a track in line with its owner's gate and its mute.
    fn refresh_track(&mut self, now: Time, id: TrackId) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let passes = !track.muted && self.peers.get(&track.owner).is_some_and(|owner| owner.gate);
        if passes == track.passes {
            return;
        }
        track.passes = passes;
        track.started = false;
        track.loudness = Loudness::default();
        for stream in &mut track.streams {
            if passes {
                stream.open()
            } else {
                stream.close()
            }
        }
        let viewers = track.viewers.clone();
        let mut opened = false;
        for (viewer, slot) in viewers {
            opened |= self.refresh_slot(viewer, slot);
        }
        if opened {
            self.request_keyframe(now, id);
        }
    }

    fn mark_dirty(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id)
            && !peer.dirty
        {
            peer.dirty = true;
            self.dirty.push(id);
        }
    }
}

/// SplitMix64: numbers that differ, from a seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A first sequence number: in the lower half, so that early loss can't be taken for a roll-over (RFC 3711 section 3.3.1).
    fn first_sequence(&mut self) -> u64 {
        self.next() & 0x7fff
    }
}
