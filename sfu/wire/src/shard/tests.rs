//! A thread with its sockets, from outside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use super::*;
use crate::command::PeerId;
use crate::engine::outbox::Run;
use crate::engine::tests::bed;
use crate::tuple::{Protocol, Tuple};

fn shard() -> Shard {
    Shard::start(Config {
        port: 0,
        tcp_ports: Vec::new(),
        seed: 1,
    })
    .expect("a free port")
}

#[test]
fn it_answers_and_counts_what_comes_by_both_families() {
    let shard = shard();
    for (from, to) in [("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "::1")] {
        let Ok(socket) = UdpSocket::bind(from) else {
            continue; // no IPv6 here
        };
        let before = shard.inspect(|engine| engine.counters.dropped_unknown);
        socket.send_to(b"hello", (to, shard.port())).expect("sent");
        let came = (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(2));
            shard.inspect(|engine| engine.counters.dropped_unknown) != before
        });
        assert!(came, "{to}");
    }
}

#[test]
fn a_receiver_that_vanished_fails_no_send_to_others() {
    let sockets = Sockets::bind(0).expect("a free port");
    for host in [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ] {
        let address = || UdpSocket::bind((host, 0)).and_then(|socket| socket.local_addr());
        let (Ok(vanished), Ok(socket)) = (address(), UdpSocket::bind((host, 0))) else {
            continue; // no IPv6 here
        };
        let local = SocketAddr::new(host, sockets.port());
        let living = socket.local_addr().expect("an address");
        // The loopback's ICMP error is there before the call returns.
        for remote in [vanished, living, vanished, living] {
            let run = Run {
                contents: b"media",
                segment: 5,
                count: 1,
            };
            assert_eq!(
                sockets.send(
                    Tuple {
                        protocol: Protocol::Udp,
                        local,
                        remote
                    },
                    &run
                ),
                0,
                "to {remote}"
            );
        }
    }
}

#[test]
fn a_thread_that_died_leaves_nobody_waiting() {
    let shard = shard();
    let died = shard.inspect(|_| panic!("on purpose"));
    assert_eq!(died, Err::<(), _>(Ended));
    assert_eq!(shard.inspect(|engine| engine.peers().len()), Err(Ended));
    let close = || Command::ClosePeer { peer: PeerId(1) };
    assert_eq!(shard.apply(close()), Err(Ended));
    assert_eq!(shard.drain_events(), Err(Ended));
}

#[test]
fn commands_of_many_threads_all_arrive() {
    let shard = shard();
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let shard = &shard;
            scope.spawn(move || {
                for n in 0..200 {
                    let number = thread * 1_000 + n;
                    let open = Command::OpenPeer {
                        peer: PeerId(number),
                        room: crate::command::RoomId(1),
                        local: crate::ice::Credentials {
                            ufrag: format!("u{number}"),
                            pwd: "p".repeat(22),
                        },
                        remote_ufrag: "r".to_owned(),
                        ssrc: number,
                    };
                    assert_eq!(shard.apply(open), Ok(()));
                }
            });
        }
    });
    assert_eq!(shard.inspect(|engine| engine.peers().len()), Ok(800));
}

#[test]
fn what_waits_in_the_kernel_at_an_opening_came_before_it() {
    let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
    let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let client = UdpSocket::bind((localhost, 0)).expect("a socket");
    let sockets = Sockets::bind(0).expect("a free port");
    let at = SocketAddr::new(localhost, sockets.port());
    let streams = Streams::bind(&[]).expect("descriptors");
    let mut bed = bed::pair();
    let tuple = Tuple {
        protocol: Protocol::Udp,
        local: at,
        remote: client.local_addr().expect("an address"),
    };
    bed.check_from(2, tuple, false);
    bed.gate(2, false);
    let datagrams = [(1, bed::key(1)), (2, bed::key(2))]
        .map(|(index, payload)| bed.seal(2, &bed::packet(220, index, payload)));
    let mut worker = Worker {
        shared: Arc::new(Shared {
            inbox: Mutex::default(),
            wake: eventfd(0, flags).expect("a descriptor"),
            events: Mutex::default(),
            notify: eventfd(0, flags).expect("a descriptor"),
        }),
        sockets,
        streams,
        engine: bed.engine,
        origin: Instant::now() - Duration::from_secs(2),
    };
    let open = Command::SetGate {
        peer: PeerId(2),
        open: true,
    };
    for (datagram, forwarded) in datagrams.iter().zip([0, 1]) {
        client.send_to(datagram, at).expect("sent");
        lock(&worker.shared.inbox)
            .messages
            .push(Message::Command(open.clone()));
        worker.turn();
        let counters = &worker.engine.counters;
        assert_eq!(
            (counters.dropped_gate, counters.rtp_forwarded),
            (1, forwarded)
        );
    }
}
