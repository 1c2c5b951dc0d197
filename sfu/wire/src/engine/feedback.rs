//! RTCP of a peer: reports about what we send it, and requests.

use std::time::Duration;

use crate::command::{PeerId, SlotId, TrackId};
use crate::engine::Engine;
use crate::engine::sent::Reason;
use crate::engine::stream::Mapping;
use crate::rtcp::{self, Packet, ReportBlock};
use crate::time::Time;

/// Round trips beyond this are a report of long ago.
const LONGEST_RTT: Duration = Duration::from_secs(10);
/// Repeats of one packet are at least this far apart.
const SHORTEST_REPEAT: Duration = Duration::from_millis(10);

impl Engine {
    pub(super) fn receive_rtcp(&mut self, now: Time, id: PeerId, datagram: &mut [u8]) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let Some(opener) = &mut peer.opener else {
            self.counters.dropped_no_keys += 1;
            return;
        };
        let length = match opener.open_rtcp(datagram) {
            Ok(length) => length,
            Err(error) => {
                self.count_srtp(error);
                return;
            }
        };
        let Some(compound) = datagram.get(..length) else {
            return;
        };
        for packet in rtcp::packets(compound) {
            let Ok(packet) = packet else {
                self.counters.dropped_malformed += 1;
                break;
            };
            match packet {
                Packet::SenderReport(report) => {
                    self.sender_report(now, id, report.ssrc, report.ntp, report.rtp);
                    self.report_blocks(now, id, report.blocks());
                }
                Packet::ReceiverReport(report) => self.report_blocks(now, id, report.blocks()),
                Packet::Nack(nack) => self.asked_again(now, id, nack.media, nack.lost()),
                Packet::TransportFeedback(feedback) => {
                    let lost = feedback.packets().filter(|(_, arrival)| arrival.is_none());
                    self.told_lost(now, id, lost.map(|(number, _)| number));
                }
                Packet::PictureLoss(request) => self.keyframe_wanted(now, id, request.media),
                Packet::FullIntra(request) => {
                    for (media, _) in request.requests() {
                        self.keyframe_wanted(now, id, media);
                    }
                }
                // BYE closes nothing: some browsers send it for an encoding that they pause.
                Packet::Goodbye(_)
                | Packet::SourceDescription(_)
                | Packet::Remb(_)
                | Packet::Other { .. } => {}
            }
        }
    }

    /// How a publisher's timestamps stand to its clock, and through one offset for all its tracks to ours.
    fn sender_report(&mut self, now: Time, id: PeerId, ssrc: u32, ntp: u64, rtp: u32) {
        let ours = self.clock.at(now);
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let Some(binding) = peer
            .bindings
            .get(&ssrc)
            .copied()
            .filter(|binding| !binding.repair)
        else {
            return;
        };
        let offset = *peer
            .clock_offset
            .get_or_insert_with(|| ours.wrapping_sub(ntp));
        let Some(track) = self.tracks.get_mut(&binding.track) else {
            return;
        };
        let Some(stream) = track.streams.get_mut(binding.encoding) else {
            return;
        };
        stream.reception.sender_report(now, ntp);
        let first = stream.mapping.is_none();
        stream.mapping = Some(Mapping {
            ntp: ntp.wrapping_add(offset),
            rtp,
        });
        if first {
            // Lip sync begins with the viewer's first report: don't let it wait for the next round.
            let viewers = track.viewers.clone();
            for (viewer, _) in viewers {
                if let Some(peer) = self.peers.get_mut(&viewer) {
                    peer.report_at = Some(now);
                }
                self.reschedule(viewer);
            }
        }
    }

    fn report_blocks(&mut self, now: Time, id: PeerId, blocks: impl Iterator<Item = ReportBlock>) {
        let ours = (self.clock.at(now) >> 16) as u32;
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        for block in blocks {
            let known = peer.slots.iter().flatten().any(|slot| {
                slot.section.ssrc == block.ssrc || slot.section.rtx_ssrc == Some(block.ssrc)
            });
            if !known || block.last_sr == 0 {
                continue;
            }
            let elapsed = ours
                .wrapping_sub(block.last_sr)
                .wrapping_sub(block.delay_since_last_sr);
            let rtt = Duration::from_micros(u64::from(elapsed) * 1_000_000 / 65_536);
            if rtt < LONGEST_RTT {
                peer.rtt = (peer.rtt * 3 + rtt) / 4;
            }
        }
    }

    /// The viewer's own requests.
    fn asked_again(&mut self, now: Time, id: PeerId, media: u32, lost: impl Iterator<Item = u16>) {
        let Some(peer) = self.peers.get(&id).filter(|peer| peer.gate) else {
            return;
        };
        let rtt = peer.rtt.max(SHORTEST_REPEAT);
        let mut slots = peer.slots.iter().flatten();
        let Some(slot) = slots.find(|slot| slot.section.ssrc == media) else {
            return;
        };
        let slot = slot.section.slot;
        for sequence in lost {
            if self.repeat(now, id, slot, sequence, Reason::Asked(rtt)) == 0 {
                self.counters.rtx_missed += 1;
            }
        }
    }

    /// Transport-wide numbers that did not arrive: what can be repaired is, though nobody asked yet.
    fn told_lost(&mut self, now: Time, id: PeerId, lost: impl Iterator<Item = u16>) {
        for number in lost {
            let dispatches = self
                .peers
                .get_mut(&id)
                .map(|peer| &mut peer.sending.dispatches);
            if let Some(it) = dispatches.and_then(|dispatches| dispatches.take(number)) {
                self.repeat(now, id, it.slot, it.sequence, Reason::Lost(it.at));
            }
        }
    }

    /// Sends one of a slot's packets again; says how often.
    fn repeat(
        &mut self,
        now: Time,
        id: PeerId,
        slot: SlotId,
        sequence: u16,
        reason: Reason,
    ) -> u64 {
        let Some(peer) = self.peers.get_mut(&id) else {
            return 0;
        };
        if !peer.gate || !peer.can_send() {
            return 0;
        }
        let slots = &mut peer.slots;
        let Some(slot) = slots.get_mut(usize::from(slot.0)).and_then(Option::as_mut) else {
            return 0;
        };
        let Some(track) = slot
            .fill
            .as_ref()
            .and_then(|fill| self.tracks.get(&fill.track))
        else {
            return 0;
        };
        let sent = slot.repeat(now, sequence, &track.streams, reason, &mut peer.sending);
        if sent > 0 {
            self.counters.rtx_sent += sent;
            self.mark_dirty(id);
        }
        sent
    }

    fn keyframe_wanted(&mut self, now: Time, id: PeerId, media: u32) {
        self.counters.keyframe_requests_received += 1;
        let Some(peer) = self.peers.get(&id).filter(|peer| peer.gate) else {
            return;
        };
        let wanted: Option<TrackId> = peer
            .slots
            .iter()
            .flatten()
            .find(|slot| slot.section.ssrc == media && slot.is_open())
            .and_then(|slot| slot.fill.as_ref())
            .map(|fill| fill.track);
        if let Some(track) = wanted {
            self.request_keyframe(now, track);
        }
    }
}
