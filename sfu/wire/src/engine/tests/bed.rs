//! An engine and its clients in virtual time: real STUN, real SRTP, keys given. Whatever the engine sends is opened here,
//! and must open: a number used twice, or a count of roll-overs lost, shows as an error of the replay list.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::codec::Codec;
use crate::command::{
    Command, EncodingName, Extensions, Format, Keys, Kind, PeerId, ReceiveTrack, RoomId, Route,
    SendSlot, SlotId, TrackId,
};
use crate::demux;
use crate::engine::{Config, Engine};
use crate::event::Event;
use crate::ice::Credentials;
use crate::rtcp;
use crate::rtp::{Header, Outgoing};
use crate::srtp::{Opener, Profile, Sealer};
use crate::stun::{BindingRequest, IntegrityKey, TransactionId};
use crate::time::Time;
use crate::tuple::{Protocol, Tuple};

pub const AUDIO: u8 = 111;
pub const VIDEO: u8 = 96;
pub const RTX: u8 = 97;
pub const ROOM: RoomId = RoomId(1);
const MID: u8 = 4;
const RID: u8 = 5;
const REPAIRED: u8 = 6;
pub const TRANSPORT_CC: u8 = 3;
const LEVEL: u8 = 1;

/// What a viewer got.
#[derive(Clone, Debug)]
pub struct Got {
    pub viewer: u32,
    pub header: Header,
    pub payload: Vec<u8>,
}

/// A packet as a publisher sends it.
#[derive(Clone, Debug)]
pub struct Packet {
    pub ssrc: u32,
    /// Roll-over counter and sequence number.
    pub index: u64,
    pub timestamp: u32,
    pub payload_type: u8,
    pub extensions: Vec<(u8, Vec<u8>)>,
    pub payload: Vec<u8>,
    pub padding: u8,
}

pub struct Client {
    pub tuple: Tuple,
    sealer: Sealer,
    opener: Opener,
    /// RTCP that came, plain.
    pub rtcp: Vec<Vec<u8>>,
}

pub struct Bed {
    pub engine: Engine,
    pub now: Time,
    pub clients: BTreeMap<u32, Client>,
}

pub fn keys(id: u32) -> Keys {
    let of = |n: u32| [vec![n as u8; 14], vec![0x5a; 14]].concat();
    Keys {
        profile: Profile::AeadAes128Gcm.id(),
        local: of(id),
        remote: of(id + 100),
    }
}

pub fn tuple(port: u16) -> Tuple {
    let address = |last, port| SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)), port);
    Tuple {
        protocol: Protocol::Udp,
        local: address(1, 7882),
        remote: address(2, port),
    }
}

impl Bed {
    pub fn new() -> Self {
        Self {
            engine: Engine::new(Config {
                ntp_at_zero: 3_900_000_000 << 32,
                seed: 7,
            }),
            now: Time::from_micros(1_000_000),
            clients: BTreeMap::new(),
        }
    }

    pub fn apply(&mut self, command: Command) {
        self.engine.apply(self.now, command);
    }

    /// Opens a peer and validates its address; its gate stays closed.
    pub fn join(&mut self, id: u32) {
        self.apply(Command::OpenPeer {
            peer: PeerId(id),
            room: ROOM,
            local: Credentials {
                ufrag: format!("u{id}"),
                pwd: format!("password-of-the-peer-{id}"),
            },
            remote_ufrag: format!("r{id}"),
            ssrc: 0xfff0_0000 + id,
        });
        let keys = keys(id);
        let profile = Profile::AeadAes128Gcm;
        let (local_key, local_salt) = profile.split(&keys.local).expect("whole keys");
        let (remote_key, remote_salt) = profile.split(&keys.remote).expect("whole keys");
        let client = Client {
            tuple: tuple(10_000 + id as u16),
            sealer: Sealer::new(profile, remote_key, remote_salt).expect("keys"),
            opener: Opener::new(profile, local_key, local_salt).expect("keys"),
            rtcp: Vec::new(),
        };
        self.clients.insert(id, client);
        self.check(id, false);
        self.apply(Command::SetKeys {
            peer: PeerId(id),
            keys,
        });
    }

    /// An authenticated check from the client's address.
    pub fn check(&mut self, id: u32, nominate: bool) {
        let tuple = self.clients[&id].tuple;
        self.check_from(id, tuple, nominate);
    }

    pub fn check_from(&mut self, id: u32, tuple: Tuple, nominate: bool) {
        let mut request = Vec::new();
        BindingRequest {
            transaction: TransactionId([3; 12]),
            username: &format!("u{id}:r{id}"),
            priority: 1,
            controlling: Some(1),
            controlled: None,
            use_candidate: nominate,
        }
        .write(
            &IntegrityKey::new(&format!("password-of-the-peer-{id}")),
            &mut request,
        );
        self.engine.receive(self.now, tuple, &mut request);
    }

    pub fn raw(&mut self, id: u32, mut datagram: Vec<u8>) {
        let tuple = self.clients[&id].tuple;
        self.engine.receive(self.now, tuple, &mut datagram);
    }

    pub fn send(&mut self, id: u32, packet: &Packet) {
        let datagram = self.seal(id, packet);
        self.raw(id, datagram);
    }

    /// The packet as the client puts it on the wire.
    pub fn seal(&self, id: u32, packet: &Packet) -> Vec<u8> {
        let extensions: Vec<(u8, &[u8])> = packet
            .extensions
            .iter()
            .map(|(id, value)| (*id, value.as_slice()))
            .collect();
        let mut buffer = Vec::new();
        let header = Outgoing {
            marker: false,
            payload_type: packet.payload_type,
            sequence: packet.index as u16,
            timestamp: packet.timestamp,
            ssrc: packet.ssrc,
            extensions: &extensions,
            extension_block: 0,
        };
        let len = header.write(&mut buffer);
        buffer.extend_from_slice(&packet.payload);
        crate::rtp::pad(&mut buffer, 0, packet.padding);
        self.clients[&id]
            .sealer
            .seal_rtp(packet.index, packet.ssrc, len, &mut buffer, 0)
            .expect("sealed");
        buffer
    }

    pub fn send_rtcp(&mut self, id: u32, mut plain: Vec<u8>) {
        let client = self.clients.get_mut(&id).expect("a client");
        client.sealer.seal_rtcp(&mut plain, 0).expect("sealed");
        self.raw(id, plain);
    }

    pub fn nack(&mut self, id: u32, media: u32, lost: &[u16]) {
        let mut plain = Vec::new();
        rtcp::nack::write(&mut plain, 1, media, lost);
        self.send_rtcp(id, plain);
    }

    pub fn pli(&mut self, id: u32, media: u32) {
        let mut plain = Vec::new();
        rtcp::picture_loss::write(&mut plain, 1, media);
        self.send_rtcp(id, plain);
    }

    /// Lets time pass, timers and all.
    pub fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.engine.next_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.engine.handle_timeout(self.now);
        }
        self.now = end;
    }

    /// What the engine sends, opened by whom it is for.
    pub fn drain(&mut self) -> Vec<Got> {
        let mut datagrams = Vec::new();
        self.engine.drain_transmits(|tuple, run| {
            for datagram in run.contents.chunks(run.segment) {
                datagrams.push((tuple, datagram.to_vec()));
            }
        });
        let mut got = Vec::new();
        for (tuple, mut datagram) in datagrams {
            let found = self.clients.iter_mut().find(|(_, it)| it.tuple == tuple);
            let Some((&viewer, client)) = found else {
                continue;
            };
            match demux::classify(&datagram) {
                demux::Kind::Rtp => {
                    let header = Header::parse(&datagram).expect("a header");
                    let opened = client
                        .opener
                        .open_rtp(&mut datagram, header.len, header.ssrc, header.sequence)
                        .expect("opens once, and with the count of roll-overs that receivers have");
                    let payload = header.payload(&datagram[..opened.len]).expect("a payload");
                    got.push(Got {
                        viewer,
                        header,
                        payload: payload.to_vec(),
                    });
                }
                demux::Kind::Rtcp => {
                    let len = client.opener.open_rtcp(&mut datagram).expect("opens once");
                    client.rtcp.push(datagram[..len].to_vec());
                }
                _ => {}
            }
        }
        got
    }

    /// Media that the engine sends, as it is on the wire.
    pub fn wire(&mut self) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        self.engine.drain_transmits(|_, run| {
            datagrams.extend(run.contents.chunks(run.segment).map(<[u8]>::to_vec));
        });
        datagrams.retain(|datagram| demux::classify(datagram) == demux::Kind::Rtp);
        datagrams
    }

    pub fn events(&mut self) -> Vec<Event> {
        let events = self.engine.drain_events();
        self.engine.events_taken();
        events
    }

    pub fn gate(&mut self, id: u32, open: bool) {
        self.apply(Command::SetGate {
            peer: PeerId(id),
            open,
        });
    }

    pub fn mute(&mut self, track: u32, muted: bool) {
        self.apply(Command::SetMute {
            track: TrackId(track),
            muted,
        });
    }

    pub fn sections(&mut self, id: u32, tracks: Vec<ReceiveTrack>, slots: Vec<SendSlot>) {
        self.apply(Command::SetSections {
            peer: PeerId(id),
            tracks,
            slots,
        });
    }

    pub fn routes(&mut self, routes: &[(u32, u32, u16)]) {
        self.apply(Command::SetRoutes {
            room: ROOM,
            routes: routes.iter().copied().map(route).collect(),
        });
    }

    /// Keyframe requests that the client got since the last call.
    pub fn keyframe_requests(&mut self, id: u32) -> usize {
        let client = self.clients.get_mut(&id).expect("a client");
        std::mem::take(&mut client.rtcp)
            .iter()
            .flat_map(|compound| rtcp::packets(compound))
            .filter(|packet| matches!(packet, Ok(rtcp::Packet::PictureLoss(_))))
            .count()
    }
}

pub fn route((track, viewer, slot): (u32, u32, u16)) -> Route {
    Route {
        track: TrackId(track),
        viewer: PeerId(viewer),
        slot: SlotId(slot),
    }
}

pub fn format(kind: Kind) -> Format {
    match kind {
        Kind::Audio => Format {
            codec: Codec::Opus,
            format: "opus".to_owned(),
            payload_type: AUDIO,
            clock_rate: 48_000,
            rtx_payload_type: None,
        },
        Kind::Video => Format {
            codec: Codec::Vp8,
            format: "VP8".to_owned(),
            payload_type: VIDEO,
            clock_rate: 90_000,
            rtx_payload_type: Some(RTX),
        },
    }
}

fn extensions() -> Extensions {
    Extensions {
        mid: Some(MID),
        rid: Some(RID),
        repaired_rid: Some(REPAIRED),
        transport_cc: Some(TRANSPORT_CC),
        abs_send_time: None,
        audio_level: Some(LEVEL),
    }
}

/// A section with the encodings given; its mid is its track's number.
pub fn receive(track: u32, kind: Kind, encodings: Vec<EncodingName>) -> ReceiveTrack {
    ReceiveTrack {
        track: TrackId(track),
        mid: track.to_string(),
        kind,
        formats: vec![format(kind)],
        extensions: extensions(),
        encodings,
        nack: kind == Kind::Video,
        pli: kind == Kind::Video,
        transport_cc: true,
    }
}

pub fn audio(track: u32, ssrc: u32) -> ReceiveTrack {
    let name = EncodingName {
        ssrc: Some(ssrc),
        ..EncodingName::default()
    };
    receive(track, Kind::Audio, vec![name])
}

pub fn video(track: u32, ssrc: u32) -> ReceiveTrack {
    let name = EncodingName {
        rid: None,
        ssrc: Some(ssrc),
        rtx_ssrc: Some(ssrc + 1),
    };
    receive(track, Kind::Video, vec![name])
}

pub fn simulcast(track: u32, rids: &[&str]) -> ReceiveTrack {
    let name = |rid: &&str| EncodingName {
        rid: Some((*rid).to_owned()),
        ..EncodingName::default()
    };
    receive(track, Kind::Video, rids.iter().map(name).collect())
}

/// A slot; a video's retransmissions have the next SSRC.
pub fn slot(index: u16, kind: Kind, ssrc: u32) -> SendSlot {
    SendSlot {
        slot: SlotId(index),
        kind,
        ssrc,
        rtx_ssrc: (kind == Kind::Video).then_some(ssrc + 1),
        cname: "venterom".to_owned(),
        formats: vec![format(kind)],
        extensions: Extensions {
            mid: None,
            rid: None,
            repaired_rid: None,
            ..extensions()
        },
    }
}

/// First packet of a keyframe, first of another frame, and a later one (RFC 7741), with something to know it by.
pub fn key(mark: u64) -> Vec<u8> {
    [&[0x10, 0x50][..], &tail(mark)].concat()
}

pub fn delta(mark: u64) -> Vec<u8> {
    [&[0x10, 0x51][..], &tail(mark)].concat()
}

const MAGIC: [u8; 4] = *b"mark";

pub fn tail(mark: u64) -> Vec<u8> {
    [&MAGIC[..], &mark.to_be_bytes()].concat()
}

/// The mark of a payload, of a retransmitted one too.
pub fn mark(payload: &[u8]) -> Option<u64> {
    let (rest, mark) = payload.split_last_chunk::<8>()?;
    rest.ends_with(&MAGIC).then(|| u64::from_be_bytes(*mark))
}

pub fn marks(got: &[Got]) -> Vec<u64> {
    got.iter().filter_map(|got| mark(&got.payload)).collect()
}

pub fn packet(ssrc: u32, index: u64, payload: Vec<u8>) -> Packet {
    Packet {
        ssrc,
        index,
        timestamp: (index as u32).wrapping_mul(3_000),
        payload_type: VIDEO,
        extensions: Vec::new(),
        payload,
        padding: 0,
    }
}

pub fn sound(ssrc: u32, index: u64, payload: Vec<u8>) -> Packet {
    Packet {
        payload_type: AUDIO,
        ..packet(ssrc, index, payload)
    }
}

/// With MID and RID, as browsers send until the first receiver report.
pub fn named(packet: Packet, mid: &str, rid: &str) -> Packet {
    let extensions = vec![
        (MID, mid.as_bytes().to_vec()),
        (RID, rid.as_bytes().to_vec()),
    ];
    Packet {
        extensions,
        ..packet
    }
}

/// A retransmission of `original` under the next SSRC (RFC 4588).
pub fn rtx(index: u64, original: &Packet) -> Packet {
    let payload = [
        &(original.index as u16).to_be_bytes()[..],
        &original.payload,
    ]
    .concat();
    Packet {
        ssrc: original.ssrc + 1,
        index,
        payload_type: RTX,
        payload,
        ..original.clone()
    }
}

/// Two people inside, the second in slots 0 (video, SSRC 900) and 1 (audio, SSRC 910) of the first: tracks 22 (SSRC 220)
/// and 21 (SSRC 210).
pub fn pair() -> Bed {
    let mut bed = Bed::new();
    bed.join(1);
    bed.join(2);
    bed.sections(
        1,
        vec![],
        vec![slot(0, Kind::Video, 900), slot(1, Kind::Audio, 910)],
    );
    bed.sections(2, vec![video(22, 220), audio(21, 210)], vec![]);
    bed.routes(&[(22, 1, 0), (21, 1, 1)]);
    bed.gate(1, true);
    bed.gate(2, true);
    bed.drain();
    bed
}
