//! Commands, garbage and well-sealed packets in any order: nothing panics, nothing crosses a closed way, no number is used
//! twice, and nothing grows without bound.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::bed::*;
use crate::command::{Command, Kind, PeerId, ReceiveTrack, SendSlot, TrackId};
use crate::tuple::{Protocol, Tuple};

const PEERS: u32 = 4;

/// A way that is open or closed, and how often it changed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Way {
    open: bool,
    changes: u32,
}

impl Way {
    fn set(&mut self, open: bool) {
        if self.open != open {
            self.open = open;
            self.changes += 1;
        }
    }
}

/// Where a packet could go when it was received.
struct Sent {
    track: u32,
    passes: Way,
    gates: BTreeMap<u32, Way>,
}

struct World {
    bed: Bed,
    gates: BTreeMap<u32, Way>,
    muted: BTreeMap<u32, bool>,
    tracks: BTreeMap<u32, Way>,
    sent: Vec<Sent>,
    indexes: BTreeMap<(u32, u32), u64>,
    seen: u64,
    fed: u64,
    /// Sequence numbers that a viewer saw of late, to ask for again.
    numbers: Vec<u16>,
}

/// The tracks of a peer: 10 p + 1 is audio, 2 video, 3 two encodings that packets name.
fn tracks_of(peer: u32, which: u8) -> Vec<ReceiveTrack> {
    let base = 10 * peer;
    let mut rids = vec!["q", "h"];
    if which & 8 != 0 {
        rids.reverse();
    }
    let all = [
        audio(base + 1, 100 * base),
        video(base + 2, 100 * base + 10),
        simulcast(base + 3, &rids),
    ];
    all.into_iter()
        .enumerate()
        .filter(|(n, _)| which >> n & 1 == 0)
        .map(|(_, track)| track)
        .collect()
}

fn slots_of(which: u8) -> Vec<SendSlot> {
    let (a, b) = if which & 1 == 0 {
        (900, 940)
    } else {
        (940, 900)
    };
    let mut slots = vec![slot(0, Kind::Video, a), slot(1, Kind::Audio, 910)];
    if which & 2 == 0 {
        slots.push(slot(2, Kind::Video, b));
    }
    if which & 4 != 0 {
        slots.push(slot(3, Kind::Video, 900));
    }
    slots
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            bed: Bed::new(),
            gates: BTreeMap::new(),
            muted: BTreeMap::new(),
            tracks: BTreeMap::new(),
            sent: Vec::new(),
            indexes: BTreeMap::new(),
            seen: 0,
            fed: 0,
            numbers: Vec::new(),
        };
        for peer in 1..=PEERS {
            world.join(peer);
            world.bed.gate(peer, true);
            world.gates.entry(peer).or_default().set(true);
        }
        world.bed.routes(&[
            (22, 1, 0),
            (21, 1, 1),
            (13, 1, 2),
            (12, 2, 0),
            (11, 2, 1),
            (13, 3, 0),
            (12, 4, 0),
        ]);
        world.follow();
        world
    }

    fn join(&mut self, peer: u32) {
        self.bed.join(peer);
        self.fed += 1;
        self.gates.entry(peer).or_default().set(false);
        self.indexes.retain(|(owner, _), _| *owner != peer);
        self.forget(peer);
        self.bed.sections(peer, tracks_of(peer, 0), slots_of(0));
    }

    /// A peer's tracks go, and with them their mutes.
    fn forget(&mut self, peer: u32) {
        for (track, way) in &mut self.tracks {
            if track / 10 == peer {
                way.set(false);
                self.muted.remove(track);
            }
        }
    }

    /// Brings the ways in line with commands, the wire's list of tracks being its own business.
    fn follow(&mut self) {
        for peer in 1..=PEERS {
            for track in 10 * peer + 1..=10 * peer + 3 {
                let there = self.bed.engine.tracks.contains_key(&TrackId(track));
                if !there {
                    self.muted.remove(&track);
                }
                let gate = self.gates.get(&peer).is_some_and(|way| way.open);
                let muted = self.muted.get(&track).copied().unwrap_or(false);
                let way = self.tracks.entry(track).or_default();
                way.set(there && gate && !muted);
            }
        }
    }

    fn media(&mut self, op: [u8; 8]) {
        let [_, who, what, step, shape, with, ..] = op;
        // Mostly one of two, so that a source lasts.
        let peer = 1 + [u32::from(who % 2), u32::from(who)][usize::from(who > 200)] % PEERS;
        let (track, ssrc, rid) = match what % 5 {
            0 => (1, 0, ""),
            1 | 2 => (2, 10, ""),
            3 => (3, 20, "q"),
            _ => (3, 30, "h"),
        };
        let (track, mut ssrc) = (10 * peer + track, 1_000 * peer + ssrc);
        if shape < 3 {
            ssrc += 50; // another source in its place
        }
        let mark = self.sent.len() as u64;
        let index = self.indexes.entry((peer, ssrc)).or_insert(1_000);
        *index = match step {
            0..=150 => *index + 1,
            151..=200 => *index + u64::from(step) - 149,
            201..=220 => index.saturating_sub(u64::from(step) - 200),
            221..=240 => *index + 600,
            _ => *index + 30_000,
        };
        let payload = match shape % 4 {
            0 | 1 => key(mark),
            2 => delta(mark),
            _ => tail(mark),
        };
        let mut packet = packet(ssrc, *index, payload);
        if track % 10 == 1 {
            packet.payload_type = AUDIO;
        }
        if !rid.is_empty() || with % 2 == 0 {
            packet = named(packet, &track.to_string(), rid);
        }
        if with > 240 {
            packet.payload.clear();
            packet.padding = 100;
        } else if with > 220 {
            packet.padding = 1;
        }
        if with == 200 {
            packet.payload_type = 50;
        }
        if (180..200).contains(&with) && track % 10 == 2 {
            let original = packet.clone();
            let index = self.indexes.entry((peer, ssrc + 1)).or_insert(1_000);
            *index += 1;
            packet = rtx(*index, &original);
        }
        self.sent.push(Sent {
            track,
            passes: self.tracks.get(&track).copied().unwrap_or_default(),
            gates: self.gates.clone(),
        });
        if self.bed.clients.contains_key(&peer) {
            self.fed += 1;
            self.bed.send(peer, &packet);
        }
    }

    fn step(&mut self, op: [u8; 8], bytes: &[u8]) {
        let [what, who, a, b, c, d, e, _] = op;
        let peer = 1 + u32::from(who) % PEERS;
        match what {
            0..=190 => self.media(op),
            191..=197 => {
                self.bed.gate(peer, a % 4 != 0);
                if self.bed.clients.contains_key(&peer) {
                    self.gates.entry(peer).or_default().set(a % 4 != 0);
                }
            }
            198..=203 => {
                let track = 10 * peer + 1 + u32::from(a % 3);
                self.bed.mute(track, b % 4 == 0);
                self.muted.insert(track, b % 4 == 0);
            }
            204..=210 => {
                // Each viewer is shown others, or by a slip itself or what doesn't fit.
                let mut routes = Vec::new();
                for (viewer, n) in (1..=PEERS).zip([a, b, c, d]) {
                    let owner = 1 + (viewer + u32::from(n) % 7) % PEERS;
                    let other = 1 + (viewer + u32::from(n / 8) % 7) % PEERS;
                    routes.push((10 * owner + 2, viewer, 0));
                    routes.push((10 * owner + 1, viewer, 1));
                    routes.push((10 * other + 3, viewer, u16::from(n / 64)));
                }
                routes.truncate(usize::from(e) / 8);
                self.bed.routes(&routes);
            }
            211..=215 => {
                let (tracks, slots) = (tracks_of(peer, if a < 128 { 0 } else { b }), slots_of(c));
                self.bed.sections(peer, tracks, slots);
            }
            216..=223 => {
                let lost: Vec<u16> = self.numbers.iter().rev().take(8).copied().collect();
                if self.bed.clients.contains_key(&peer) {
                    self.fed += 3;
                    if !lost.is_empty() {
                        self.bed.nack(peer, 900, &lost);
                    }
                    self.bed
                        .nack(peer, 940, &[u16::from(a) << 8 | u16::from(b)]);
                    self.bed.pli(peer, 900);
                    self.fed -= u64::from(lost.is_empty());
                }
            }
            224..=228 if self.bed.clients.contains_key(&peer) => {
                self.fed += 1;
                self.bed.raw(peer, bytes.to_vec());
            }
            229..=233 if self.bed.clients.contains_key(&peer) => {
                self.fed += 1;
                let mut plain = bytes.to_vec();
                plain.resize(plain.len().max(8), 0);
                plain[..2].copy_from_slice(&[0x80 | a & 0x3f, 192 + b % 20]);
                self.bed.send_rtcp(peer, plain);
            }
            234..=240 => {
                self.bed
                    .pass(Duration::from_micros(u64::from(a) * u64::from(b) * 10));
                let here: Vec<u32> = self.bed.clients.keys().copied().collect();
                for peer in here {
                    self.fed += 1;
                    self.bed.check(peer, false);
                }
            }
            241 => self
                .bed
                .pass(Duration::from_millis(u64::from(a) * u64::from(b) * 3 / 4)),
            242..=245 if self.bed.clients.contains_key(&peer) => {
                self.fed += 1;
                self.bed.check(peer, a % 2 == 0);
            }
            246 => {
                self.bed.apply(Command::ClosePeer { peer: PeerId(peer) });
                self.bed.clients.remove(&peer);
                self.gates.entry(peer).or_default().set(false);
                self.forget(peer);
            }
            247 => {
                self.join(peer);
                self.bed.gate(peer, a % 4 != 0);
                self.gates.entry(peer).or_default().set(a % 4 != 0);
            }
            248..=250 => self.bed.apply(Command::SetKeys {
                peer: PeerId(peer),
                keys: keys(u32::from(a)),
            }),
            _ => {
                let stranger = Tuple {
                    protocol: Protocol::Udp,
                    remote: tuple(60_000 + u16::from(a)).remote,
                    ..tuple(1)
                };
                self.fed += 1;
                let now = self.bed.now;
                self.bed.engine.receive(now, stranger, &mut bytes.to_vec());
            }
        }
        self.follow();
    }

    fn drain(&mut self) {
        for got in self.bed.drain() {
            self.seen += 1;
            self.numbers.push(got.header.sequence);
            let gate = self.gates[&got.viewer];
            assert!(gate.open, "media to a closed gate");
            let Some(sent) = mark(&got.payload).and_then(|mark| self.sent.get(mark as usize))
            else {
                continue;
            };
            assert_eq!(
                sent.gates[&got.viewer], gate,
                "older than the viewer's gate"
            );
            let passes = self.tracks[&sent.track];
            assert!(
                passes.open && sent.passes == passes,
                "older than the track's way"
            );
            let shown = self
                .bed
                .engine
                .routes()
                .iter()
                .any(|route| route.track.0 == sent.track && route.viewer.0 == got.viewer);
            assert!(shown, "no route");
        }
    }

    fn check(&self) {
        let engine = &self.bed.engine;
        let open = engine.open_routes();
        for route in engine.routes() {
            let passes = self.tracks[&route.track.0].open && self.gates[&route.viewer.0].open;
            assert_eq!(open.contains(&route), passes, "{route:?}");
            assert!(engine.peers.contains_key(&route.viewer));
            let track = &engine.tracks[&route.track];
            let viewer = (route.viewer, route.slot);
            assert_eq!(track.viewers.iter().filter(|it| **it == viewer).count(), 1);
        }
        let viewers: usize = engine.tracks.values().map(|it| it.viewers.len()).sum();
        assert_eq!(viewers, engine.routes().len());
        let counters = &engine.counters;
        assert_eq!(counters.datagrams_received, self.fed);
        let went = counters.rtp_forwarded + counters.rtx_sent - counters.rtp_withdrawn;
        assert!(self.seen <= went, "{} {went}", self.seen);
        let refused = counters.dropped_unknown
            + counters.dropped_stun
            + counters.dropped_unvalidated
            + counters.dropped_dtls
            + counters.dropped_no_keys
            + counters.dropped_auth
            + counters.dropped_replay;
        assert!(refused + counters.rtp_received <= self.fed);
        let sent = [
            (counters.stun_sent, counters.stun_bytes_sent),
            (counters.dtls_sent, counters.dtls_bytes_sent),
            (counters.rtcp_sent, counters.rtcp_bytes_sent),
            (counters.audio_sent, counters.audio_bytes_sent),
            (counters.video_sent, counters.video_bytes_sent),
            (counters.repair_sent, counters.repair_bytes_sent),
        ];
        let sum = |kinds: [(u64, u64); 6]| {
            kinds
                .iter()
                .fold((0, 0), |sum, kind| (sum.0 + kind.0, sum.1 + kind.1))
        };
        assert_eq!(sum(sent), (counters.datagrams_sent, counters.bytes_sent));
        let received = sum([
            (counters.stun_received, counters.stun_bytes_received),
            (counters.dtls_received, counters.dtls_bytes_received),
            (counters.rtcp_received, counters.rtcp_bytes_received),
            (counters.audio_received, counters.audio_bytes_received),
            (counters.video_received, counters.video_bytes_received),
            (counters.repair_received, counters.repair_bytes_received),
        ]);
        assert!(received.0 <= self.fed && received.1 <= counters.bytes_received);
        assert!(engine.timers.len() <= 500 * PEERS as usize);
        assert!(engine.history_bytes() <= 4 * PEERS as usize * 512 * 1024);
        for peer in engine.peers.values() {
            assert!(peer.bindings.len() <= 256 && peer.slots.len() <= 128);
            assert!(peer.sending.outbox.bytes.len() <= (1 << 20) + (1 << 16));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_comes(
        ops in vec((any::<[u8; 8]>(), vec(any::<u8>(), 0..80)), 1..400),
    ) {
        let mut world = World::new();
        for (op, bytes) in &ops {
            world.step(*op, bytes);
            // Now and then what is queued waits for the next command.
            if op[7] % 3 != 0 {
                world.drain();
            }
            world.check();
            if world.bed.engine.events.len() > 100 {
                world.bed.events();
            }
        }
        world.drain();
        world.check();
    }
}
