//! The streams on real sockets, in the time of the test.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::*;
use crate::engine::tests::bed::{self, Bed};
use crate::framing;
use crate::stun::{BindingRequest, IntegrityKey, TransactionId};

const PATIENCE: Duration = Duration::from_secs(20);

struct Door {
    streams: Streams,
    bed: Bed,
}

impl Door {
    fn open() -> Self {
        Self {
            streams: Streams::bind(&[0]).expect("a free port"),
            bed: bed::pair(),
        }
    }

    fn knock(&self) -> TcpStream {
        let client = TcpStream::connect(("127.0.0.1", self.streams.ports[0])).expect("a backlog");
        client.set_nonblocking(true).expect("a socket");
        client
    }

    fn turn(&mut self) {
        self.streams.receive(self.bed.now, &mut self.bed.engine);
        let mut dropped = Dropped::default();
        let streams = &mut self.streams;
        self.bed.engine.drain_transmits(|tuple, run| {
            if tuple.protocol == tuple::Protocol::Tcp {
                streams.send(tuple, &run, &mut dropped);
            }
        });
        self.streams.sweep(self.bed.now, &mut self.bed.engine);
    }

    /// Takes turns until it is so.
    fn until(&mut self, mut so: impl FnMut(&mut Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !so(self) {
            assert!(Instant::now() < end, "it never came");
            self.turn();
        }
    }

    fn counts(&self) -> (u64, u64, u64) {
        let counters = &self.bed.engine.counters;
        (
            counters.tcp_accepted,
            counters.tcp_refused,
            counters.tcp_closed,
        )
    }
}

/// A check of peer 1, framed.
fn check() -> Vec<u8> {
    let mut request = Vec::new();
    BindingRequest {
        transaction: TransactionId([3; 12]),
        username: "u1:r1",
        priority: 1,
        controlling: Some(1),
        controlled: None,
        use_candidate: true,
    }
    .write(&IntegrityKey::new("password-of-the-peer-1"), &mut request);
    let mut framed = Vec::new();
    assert!(framing::write(&request, &mut framed));
    framed
}

fn is_closed(client: &mut TcpStream) -> bool {
    match client.read(&mut [0; 100]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}

#[test]
fn a_check_is_answered_and_proves_its_connection() {
    let mut door = Door::open();
    let mut client = door.knock();
    client.write_all(&check()).expect("room");
    let mut answer = Vec::new();
    door.until(|_| {
        // Nothing yet, or the answer.
        let _ = client.read_to_end(&mut answer);
        !answer.is_empty()
    });
    assert_eq!(usize::from(answer[1]) + framing::HEADER, answer.len());
    assert_eq!(answer[2..4], [1, 1], "a success");
    let connection = door.streams.connections.values().next().expect("it stays");
    assert!(connection.unproven.is_none());
    drop(client);
    door.until(|door| door.counts() == (1, 0, 1));
    assert!(door.streams.names.is_empty() && door.streams.next_sweep().is_none());
}

#[test]
fn a_hostile_length_cuts_its_connection_and_no_other() {
    let mut door = Door::open();
    let (mut bad, mut good) = (door.knock(), door.knock());
    bad.write_all(&[0x08, 0x01]).expect("room");
    door.until(|door| door.counts() == (2, 0, 1));
    assert!(is_closed(&mut bad) && !is_closed(&mut good));
}

#[test]
fn strangers_are_cut_when_their_time_is_up_and_their_media_is_dropped() {
    let mut door = Door::open();
    let mut client = door.knock();
    let mut rtp = Vec::new();
    assert!(framing::write(&[0x80; 40], &mut rtp));
    client.write_all(&rtp).expect("room");
    door.until(|door| door.bed.engine.counters.dropped_unvalidated == 1);
    for connection in door.streams.connections.values_mut() {
        connection.unproven = Instant::now().checked_sub(connection::UNPROVEN);
    }
    door.until(|door| door.counts() == (1, 0, 1));
    assert!(is_closed(&mut client));
}

#[test]
fn a_peer_that_is_gone_leaves_a_stranger() {
    let mut door = Door::open();
    let mut client = door.knock();
    client.write_all(&check()).expect("room");
    door.until(|door| {
        let mut connections = door.streams.connections.values();
        connections.any(|connection| connection.unproven.is_none())
    });
    let peer = crate::command::PeerId(1);
    door.bed.apply(crate::command::Command::ClosePeer { peer });
    door.until(|door| {
        let mut connections = door.streams.connections.values();
        connections.any(|connection| connection.unproven.is_some())
    });
}

#[test]
fn one_source_is_refused_beyond_its_share() {
    let mut door = Door::open();
    let mut clients: Vec<TcpStream> = (0..70).map(|_| door.knock()).collect();
    door.until(|door| door.counts() == (64, 6, 0));
    assert_eq!(
        clients
            .iter_mut()
            .filter_map(|client| is_closed(client).then_some(()))
            .count(),
        6
    );
}

#[test]
fn listeners_that_the_system_refused_rest_and_wake() {
    let mut door = Door::open();
    door.streams.rest(true).expect("descriptors");
    door.streams.next_sweep = Instant::now() + Duration::from_millis(50);
    let _client = door.knock();
    door.turn();
    assert_eq!((door.counts(), door.streams.resting), ((0, 0, 0), true));
    assert!(door.streams.next_sweep().is_some());
    door.until(|door| door.counts() == (1, 0, 0));
    assert!(!door.streams.resting);
}
