//! A participant's transport: where it is, its keys, and what goes both ways.

use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::command::{Extensions, PeerId, RoomId, SlotId, TrackId};
use crate::engine::clock::NtpClock;
use crate::engine::sending::Sending;
use crate::engine::slot::Slot;
use crate::ice;
use crate::srtp::Opener;
use crate::time::Time;
use crate::twcc;

/// Assumed until the first receiver report measures it.
const FIRST_RTT: Duration = Duration::from_millis(100);

/// What an SSRC of a publisher is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Binding {
    pub track: TrackId,
    pub encoding: usize,
    pub repair: bool,
}

/// What the node has been told of a peer and has not taken yet.
#[derive(Default)]
pub struct Waiting {
    /// DTLS datagrams.
    pub dtls: usize,
    /// A change of path: that it changed again in the meantime says no more.
    pub path: bool,
}

pub struct Peer {
    pub room: RoomId,
    /// What our RTCP to it speaks with.
    pub ssrc: u32,
    pub agent: ice::Agent,
    pub opener: Option<Opener>,
    pub sending: Sending,
    pub gate: bool,
    pub consent: bool,
    pub tracks: Vec<TrackId>,
    pub extensions: Extensions,
    pub bindings: FxHashMap<u32, Binding>,
    pub slots: Vec<Option<Slot>>,
    /// Where the numbers of SSRCs that are gone ended: under the same keys none is used twice.
    pub retired: FxHashMap<u32, u64>,
    pub arrivals: twcc::Recorder,
    pub feedback_at: Option<Time>,
    /// When to say that something came, where nothing else says it.
    pub sign_at: Option<Time>,
    pub nack_at: Option<Time>,
    pub report_at: Option<Time>,
    pub rtt: Duration,
    /// Our NTP time minus the peer's, fixed at its first sender report: one for all its tracks keeps their lip sync.
    pub clock_offset: Option<u64>,
    pub waiting: Waiting,
    /// It is in the engine's list of peers with something to send.
    pub dirty: bool,
    /// The earliest time for which a timer is set.
    pub scheduled: Option<Time>,
}

impl Peer {
    pub fn new(room: RoomId, ssrc: u32, agent: ice::Agent, clock: NtpClock) -> Self {
        Self {
            room,
            ssrc,
            agent,
            opener: None,
            sending: Sending::new(clock),
            gate: false,
            consent: true,
            tracks: Vec::new(),
            extensions: Extensions::default(),
            bindings: FxHashMap::default(),
            slots: Vec::new(),
            retired: FxHashMap::default(),
            arrivals: twcc::Recorder::new(),
            feedback_at: None,
            sign_at: None,
            nack_at: None,
            report_at: None,
            rtt: FIRST_RTT,
            clock_offset: None,
            waiting: Waiting::default(),
            dirty: false,
            scheduled: None,
        }
    }

    pub fn slot_mut(&mut self, slot: SlotId) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(slot.0))?.as_mut()
    }

    /// The slots that a track fills, with its id.
    pub fn filled(&self) -> impl Iterator<Item = (SlotId, TrackId)> {
        self.slots.iter().flatten().filter_map(|slot| {
            let fill = slot.fill.as_ref()?;
            Some((slot.section.slot, fill.track))
        })
    }

    /// Media may go out: there are keys, an address and consent.
    pub fn can_send(&self) -> bool {
        self.consent && self.sending.sealer.is_some()
    }

    pub fn next_timeout(&self) -> Option<Time> {
        [
            self.feedback_at,
            self.sign_at,
            self.nack_at,
            self.report_at,
            self.agent.next_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub fn ask_at(&mut self, at: Option<Time>) {
        if let Some(at) = at {
            self.nack_at = Some(self.nack_at.map_or(at, |before| before.min(at)));
        }
    }
}

/// A peer with its id, for lists that need both.
pub type Peers = FxHashMap<PeerId, Peer>;
