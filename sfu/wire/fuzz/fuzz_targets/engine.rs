//! The engine between two people in a call: whatever they send, in the clear or properly sealed, at whatever time.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use venterom_wire::codec::Codec;
use venterom_wire::command::{
    Command, EncodingName, Extensions, Format, Keys, Kind, PeerId, ReceiveTrack, RoomId, Route,
    SendSlot, SlotId, TrackId,
};
use venterom_wire::engine::{Config, Engine};
use venterom_wire::ice::Credentials;
use venterom_wire::rtp::Header;
use venterom_wire::srtp::{Profile, Sealer};
use venterom_wire::stun::{BindingRequest, IntegrityKey, TransactionId};
use venterom_wire::time::Time;
use venterom_wire::tuple::{Protocol, Tuple};

const PROFILE: Profile = Profile::AeadAes128Gcm;

fn tuple(peer: u32) -> Tuple {
    let address = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
    Tuple {
        protocol: Protocol::Udp,
        local: SocketAddr::new(address(1), 7882),
        remote: SocketAddr::new(address(2), 10_000 + peer as u16),
    }
}

fn keys(peer: u32) -> Keys {
    let of = |n: u32| vec![n as u8; PROFILE.key_len() + PROFILE.salt_len()];
    Keys {
        profile: PROFILE.id(),
        local: of(peer),
        remote: of(peer + 100),
    }
}

fn extensions() -> Extensions {
    Extensions {
        mid: Some(4),
        rid: Some(5),
        repaired_rid: Some(6),
        transport_cc: Some(3),
        audio_level: Some(1),
        ..Extensions::default()
    }
}

fn formats(kind: Kind) -> Vec<Format> {
    let format = |codec, name: &str, payload_type, clock_rate, rtx_payload_type| Format {
        codec,
        format: name.to_owned(),
        payload_type,
        clock_rate,
        rtx_payload_type,
    };
    match kind {
        Kind::Audio => vec![format(Codec::Opus, "opus", 111, 48_000, None)],
        Kind::Video => vec![
            format(Codec::Vp8, "VP8", 96, 90_000, Some(97)),
            format(Codec::H264, "H264", 102, 90_000, Some(103)),
        ],
    }
}

/// Each sends an audio track, a named video track and two encodings, and receives in as many slots.
fn join(engine: &mut Engine, now: Time, peer: u32) -> Sealer {
    engine.apply(
        now,
        Command::OpenPeer {
            peer: PeerId(peer),
            room: RoomId(1),
            local: Credentials {
                ufrag: format!("u{peer}"),
                pwd: "p".repeat(22),
            },
            remote_ufrag: "r".to_owned(),
            ssrc: peer,
        },
    );
    let mut check = Vec::new();
    BindingRequest {
        transaction: TransactionId([3; 12]),
        username: &format!("u{peer}:r"),
        priority: 1,
        controlling: Some(1),
        controlled: None,
        use_candidate: true,
    }
    .write(&IntegrityKey::new(&"p".repeat(22)), &mut check);
    engine.receive(now, tuple(peer), &mut check);
    let keys = keys(peer);
    let (key, salt) = PROFILE.split(&keys.remote).expect("whole keys");
    let sealer = Sealer::new(PROFILE, key, salt).expect("whole keys");
    engine.apply(
        now,
        Command::SetKeys {
            peer: PeerId(peer),
            keys,
        },
    );
    let named = |rid: &str| EncodingName {
        rid: Some(rid.to_owned()),
        ..EncodingName::default()
    };
    let plain = EncodingName {
        ssrc: Some(220),
        rtx_ssrc: Some(221),
        ..EncodingName::default()
    };
    let sections = [
        (Kind::Audio, vec![EncodingName::default()]),
        (Kind::Video, vec![plain]),
        (Kind::Video, vec![named("q"), named("h")]),
    ];
    let tracks = sections
        .into_iter()
        .zip(0_u32..)
        .map(|((kind, encodings), n)| ReceiveTrack {
            track: TrackId(10 * peer + n),
            mid: n.to_string(),
            kind,
            formats: formats(kind),
            extensions: extensions(),
            encodings,
            nack: kind == Kind::Video,
            pli: kind == Kind::Video,
            transport_cc: true,
        });
    let slots = [Kind::Audio, Kind::Video, Kind::Video];
    let slots = slots.into_iter().zip(0_u16..).map(|(kind, n)| SendSlot {
        slot: SlotId(n),
        kind,
        ssrc: 900 + 2 * u32::from(n),
        rtx_ssrc: (kind == Kind::Video).then_some(901 + 2 * u32::from(n)),
        cname: "c".to_owned(),
        formats: formats(kind),
        extensions: extensions(),
    });
    engine.apply(
        now,
        Command::SetSections {
            peer: PeerId(peer),
            tracks: tracks.collect(),
            slots: slots.collect(),
        },
    );
    sealer
}

fn gate(peer: u32, open: bool) -> Command {
    Command::SetGate {
        peer: PeerId(peer),
        open,
    }
}

/// The packet as a client seals it, where it is one.
fn sealed(sealer: &mut Sealer, bytes: &[u8], index: u64) -> Option<Vec<u8>> {
    let mut packet = bytes.to_vec();
    match Header::parse(bytes) {
        Ok(header) => {
            let index = (index << 16) | u64::from(header.sequence);
            sealer
                .seal_rtp(index, header.ssrc, header.len, &mut packet, 0)
                .ok()?;
        }
        Err(_) if packet.len() >= 8 => sealer.seal_rtcp(&mut packet, 0).ok()?,
        Err(_) => return None,
    }
    Some(packet)
}

fuzz_target!(|data: &[u8]| {
    let mut engine = Engine::new(Config {
        ntp_at_zero: 3_900_000_000 << 32,
        seed: 7,
    });
    let mut now = Time::from_micros(1_000_000);
    let mut sealers = [1, 2].map(|peer| join(&mut engine, now, peer));
    let route = |viewer: u32, n: u16| Route {
        track: TrackId(10 * (3 - viewer) + u32::from(n)),
        viewer: PeerId(viewer),
        slot: SlotId(n),
    };
    let routes = [1, 2]
        .into_iter()
        .flat_map(|viewer| [0, 1, 2].map(|n| route(viewer, n)));
    engine.apply(
        now,
        Command::SetRoutes {
            room: RoomId(1),
            routes: routes.collect(),
        },
    );
    for peer in [1, 2] {
        engine.apply(now, gate(peer, true));
    }
    let mut rest = data;
    while let [what, size, after @ ..] = rest {
        let (bytes, after) = after.split_at(usize::from(*size).min(after.len()));
        rest = after;
        let peer = 1 + u32::from(what & 1);
        match what >> 1 & 7 {
            0 => engine.receive(now, tuple(peer), &mut bytes.to_vec()),
            1 => {
                now = now + Duration::from_millis(u64::from(*size) * 40);
                engine.handle_timeout(now);
            }
            2 => engine.apply(now, gate(peer, size & 1 == 0)),
            _ => {
                let sealer = &mut sealers[peer as usize - 1];
                if let Some(mut packet) = sealed(sealer, bytes, u64::from(what >> 6)) {
                    engine.receive(now, tuple(peer), &mut packet);
                }
            }
        }
        engine.drain_transmits(|_, run| assert!(run.segment > 0 && !run.contents.is_empty()));
        engine.drain_events();
        engine.events_taken();
    }
});
