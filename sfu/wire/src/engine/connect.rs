//! How a peer comes to us: connectivity checks are answered, DTLS goes up to the node.

use crate::command::PeerId;
use crate::engine::Engine;
use crate::event::Event;
use crate::ice;
use crate::stun;
use crate::time::Time;
use crate::tuple::Tuple;

/// DTLS datagrams of one peer that may wait for the node; a handshake has a handful.
const MOST_DTLS_WAITING: usize = 64;

impl Engine {
    pub(super) fn receive_stun(&mut self, now: Time, tuple: Tuple, datagram: &[u8]) {
        let Ok(message) = stun::Message::parse(datagram) else {
            self.counters.dropped_stun += 1;
            return;
        };
        let found = message
            .receiver_ufrag()
            .and_then(|ufrag| self.ufrags.get(ufrag));
        let Some(&id) = found else {
            self.counters.dropped_stun += 1;
            return;
        };
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let was_new = peer.agent.selected().is_none();
        let mut path_changed = false;
        let mut reply = Vec::new();
        match peer.agent.receive(now, tuple, &message, &mut reply) {
            ice::Outcome::Dropped(_) | ice::Outcome::Rejected => self.counters.dropped_stun += 1,
            ice::Outcome::Answered(answered) => {
                if answered.newly_validated {
                    self.tuples.insert(tuple, id);
                }
                if let Some(evicted) = answered.evicted
                    && self.tuples.get(&evicted) == Some(&id)
                {
                    self.tuples.remove(&evicted);
                }
                if answered.restarted {
                    let agent = &peer.agent;
                    self.tuples
                        .retain(|tuple, owner| *owner != id || agent.is_validated(*tuple));
                }
                if answered.consent_regained {
                    peer.consent = true;
                    self.events.push(Event::ConsentRegained { peer: id });
                } else if was_new {
                    self.events.push(Event::Validated { peer: id });
                } else {
                    path_changed = answered.selected_changed;
                }
                if answered.restarted {
                    self.register_ufrags(id);
                }
                // The last authenticated check from an address says whose it is.
                self.tuples.insert(tuple, id);
                self.reschedule(id);
            }
        }
        if path_changed {
            self.path_changed(id);
        }
        if !reply.is_empty() {
            self.direct.push((tuple, reply));
        }
    }

    /// Whether ICE has validated the tuple, for a peer that is here.
    pub fn knows(&self, tuple: Tuple) -> bool {
        self.tuples.contains_key(&tuple)
    }

    /// The connection of a tuple was closed: whoever gets the same addresses later has to be validated anew.
    pub fn close_tuple(&mut self, now: Time, tuple: Tuple) {
        let Some(id) = self.tuples.remove(&tuple) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if peer.agent.close(now, tuple) {
            self.path_changed(id);
        }
        self.reschedule(id);
    }

    pub(super) fn receive_dtls(&mut self, id: PeerId, datagram: &[u8]) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if peer.waiting.dtls >= MOST_DTLS_WAITING {
            self.counters.dropped_dtls += 1;
            return;
        }
        peer.waiting.dtls += 1;
        self.note_waiting(id);
        self.events.push(Event::DtlsReceived {
            peer: id,
            datagram: datagram.to_vec(),
        });
    }
}
