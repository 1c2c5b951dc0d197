//! What time brings: feedback to publishers, requests for missing packets, reports, the end of consent.

use std::cmp::Reverse;
use std::time::Duration;

use crate::command::{PeerId, SlotId};
use crate::engine::Engine;
use crate::engine::nack::Gap;
use crate::engine::slot::Slot;
use crate::event::Event;
use crate::ice;
use crate::rtcp::{self, ReportBlock};
use crate::time::Time;

/// Transport-wide feedback: often enough for a quick ramp, rare enough for a thin link.
pub(super) const FEEDBACK: Duration = Duration::from_millis(50);
/// Whoever sends sound alone has no transport-wide numbers to hear about, and takes a path for gone that is silent for long.
pub(super) const SIGN: Duration = Duration::from_millis(300);
/// The first report after the keys, then one a second (RFC 3550 section 6.2 allows a fixed interval to few members).
pub(super) const FIRST_REPORT: Duration = Duration::from_millis(100);
/// Feedback datagrams at once; each tells of hundreds of packets.
const MOST_FEEDBACK: usize = 4;
const REPORT: Duration = Duration::from_secs(1);
/// Sender reports and names that fit a datagram of 1,200 bytes beside 31 report blocks.
const SENDERS_A_DATAGRAM: usize = 5;

impl Engine {
    pub fn next_timeout(&self) -> Option<Time> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    /// Does all that is due at `now`.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(&Reverse((at, id))) = self.timers.peek() {
            if at > now {
                break;
            }
            self.timers.pop();
            let Some(peer) = self.peers.get_mut(&id) else {
                continue;
            };
            // A timer that an earlier one has replaced.
            if peer.scheduled != Some(at) {
                continue;
            }
            peer.scheduled = None;
            self.peer_timeout(now, id);
            self.reschedule(id);
        }
    }

    /// Sets the timer of a peer to what it waits for.
    pub(super) fn reschedule(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let Some(next) = peer.next_timeout() else {
            return;
        };
        if peer.scheduled.is_none_or(|scheduled| next < scheduled) {
            peer.scheduled = Some(next);
            self.timers.push(Reverse((next, id)));
        }
    }

    fn peer_timeout(&mut self, now: Time, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let mut moved = false;
        match peer.agent.handle_timeout(now) {
            Some(ice::ConsentChange::Lost) => {
                peer.consent = false;
                self.events.push(Event::ConsentLost { peer: id });
            }
            Some(ice::ConsentChange::Moved) => moved = true,
            None => {}
        }
        let due = |at: &mut Option<Time>| at.take_if(|at| *at <= now).is_some();
        let (feedback, sign, nacks, reports) = (
            due(&mut peer.feedback_at),
            due(&mut peer.sign_at),
            due(&mut peer.nack_at),
            due(&mut peer.report_at),
        );
        if reports {
            peer.report_at = Some(now + REPORT);
        }
        let can_send = peer.can_send();
        if moved {
            self.path_changed(id);
        }
        if reports {
            self.tend_tracks(now, id);
        }
        if !can_send {
            return;
        }
        if feedback {
            self.send_feedback(id);
        }
        if sign {
            self.send_sign(id);
        }
        if nacks {
            self.send_nacks(now, id);
        }
        if reports {
            self.send_reports(now, id);
        }
    }

    /// What packets of a peer's tracks see to while they come: old payloads go, and viewers who wait for a keyframe of a
    /// source that sends nothing (a screen that stands still) don't wait for ever because one request was lost.
    fn tend_tracks(&mut self, now: Time, id: PeerId) {
        let Some(peer) = self.peers.get(&id) else {
            return;
        };
        let mut wanted = Vec::new();
        for id in &peer.tracks {
            let Some(track) = self.tracks.get_mut(id) else {
                continue;
            };
            for stream in &mut track.streams {
                stream.history.expire(now, track.viewer_rtt);
            }
            let waits = |(viewer, slot): &(PeerId, SlotId)| {
                self.peers.get(viewer).is_some_and(|peer| {
                    let slot = peer.slots.get(usize::from(slot.0));
                    peer.can_send()
                        && slot.is_some_and(|slot| slot.as_ref().is_some_and(Slot::is_waiting))
                })
            };
            if track.passes && track.viewers.iter().any(waits) {
                wanted.push(*id);
            }
        }
        for track in wanted {
            self.request_keyframe(now, track);
        }
    }

    fn send_feedback(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let sender = peer.ssrc;
        let media = peer
            .bindings
            .iter()
            .find(|(_, binding)| !binding.repair)
            .map_or(0, |(ssrc, _)| *ssrc);
        let arrivals = &mut peer.arrivals;
        let mut written = false;
        for _ in 0..MOST_FEEDBACK {
            if arrivals.is_empty() {
                break;
            }
            written |= peer.sending.rtcp(|out| arrivals.write(sender, media, out));
        }
        if written {
            self.mark_dirty(id);
        }
    }

    /// A report of nothing (RFC 3550 section 6.4.2).
    fn send_sign(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id) {
            let ours = peer.ssrc;
            if peer
                .sending
                .rtcp(|out| rtcp::receiver_report::write(out, ours, &[]))
            {
                self.mark_dirty(id);
            }
        }
    }

    fn send_nacks(&mut self, now: Time, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let mut ask = Vec::new();
        let mut given_up = Vec::new();
        let mut sent = 0;
        for track_id in &peer.tracks {
            let Some(track) = self.tracks.get_mut(track_id) else {
                continue;
            };
            for stream in &mut track.streams {
                let Some(media) = stream.ssrc else {
                    continue;
                };
                ask.clear();
                if stream.nacks.due(now, peer.rtt, &mut ask) == Gap::TooWide {
                    given_up.push(*track_id);
                }
                if let Some(next) = stream.nacks.next() {
                    peer.nack_at = Some(peer.nack_at.map_or(next, |at| at.min(next)));
                }
                let sender = peer.ssrc;
                if !ask.is_empty()
                    && peer
                        .sending
                        .rtcp(|out| rtcp::nack::write(out, sender, media, &ask))
                {
                    sent += ask.len() as u64;
                }
            }
        }
        if sent > 0 {
            self.counters.nacks_sent += sent;
            self.mark_dirty(id);
        }
        for track in given_up {
            self.request_keyframe(now, track);
        }
    }

    /// Sender reports of what is sent, report blocks for every SSRC that is received, and names.
    fn send_reports(&mut self, now: Time, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let mut blocks: Vec<ReportBlock> = Vec::new();
        for track in &peer.tracks {
            let Some(track) = self.tracks.get_mut(track) else {
                continue;
            };
            for stream in &mut track.streams {
                blocks.extend(
                    stream
                        .ssrc
                        .and_then(|ssrc| stream.reception.report(now, ssrc)),
                );
                blocks.extend(
                    stream
                        .rtx_ssrc
                        .and_then(|ssrc| stream.rtx_reception.report(now, ssrc)),
                );
            }
        }
        let ntp = self.clock.at(now);
        let mut filled = Vec::new();
        for slot in peer.slots.iter().flatten() {
            let Some(track) = slot
                .fill
                .as_ref()
                .and_then(|fill| self.tracks.get(&fill.track))
            else {
                continue;
            };
            if let Some((timestamp, packets, octets)) = slot.report(ntp, track) {
                filled.push(Sender {
                    ssrc: slot.section.ssrc,
                    rtx_ssrc: slot.section.rtx_ssrc,
                    cname: &slot.section.cname,
                    timestamp,
                    packets,
                    octets,
                });
            }
        }
        let mut senders = filled.as_slice();
        let ours = peer.ssrc;
        let mut blocks = blocks.as_slice();
        let mut written = false;
        loop {
            let (reports, rest) = senders.split_at(senders.len().min(SENDERS_A_DATAGRAM));
            senders = rest;
            let (head, tail) = blocks.split_at(blocks.len().min(rtcp::MAX_COUNT));
            blocks = tail;
            written |= peer
                .sending
                .rtcp(|out| compound(out, ours, ntp, reports, head));
            if senders.is_empty() && blocks.is_empty() {
                break;
            }
        }
        if written {
            self.mark_dirty(id);
        }
    }
}

/// A slot as a sender report tells of it.
struct Sender<'a> {
    ssrc: u32,
    rtx_ssrc: Option<u32>,
    cname: &'a str,
    timestamp: u32,
    packets: u32,
    octets: u32,
}

/// A compound packet (RFC 3550 section 6.1): it begins with a report, even an empty one, and names its sources.
fn compound(
    out: &mut Vec<u8>,
    ours: u32,
    ntp: u64,
    senders: &[Sender<'_>],
    blocks: &[ReportBlock],
) {
    let Some((first, others)) = senders.split_first() else {
        rtcp::receiver_report::write(out, ours, blocks);
        return;
    };
    let mut report = |sender: &Sender<'_>, blocks: &[ReportBlock]| {
        let &Sender {
            ssrc,
            timestamp,
            packets,
            octets,
            ..
        } = sender;
        rtcp::sender_report::write(out, ssrc, ntp, timestamp, packets, octets, blocks);
    };
    report(first, blocks);
    for sender in others {
        report(sender, &[]);
    }
    let names: Vec<(u32, &str)> = senders
        .iter()
        .flat_map(|sender| {
            let rtx = sender.rtx_ssrc.map(|ssrc| (ssrc, sender.cname));
            std::iter::once((sender.ssrc, sender.cname)).chain(rtx)
        })
        .collect();
    rtcp::source_description::write(out, &names);
}
