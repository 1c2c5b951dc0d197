//! What the node asks of the engine: one type per intent.

use std::fmt;

use crate::codec::Codec;

/// A participant's transport.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PeerId(pub u32);

/// A published camera, microphone or screen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TrackId(pub u32);

/// A live meeting; all its peers are on one engine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct RoomId(pub u32);

/// Index of the m-line of a section in which we send.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SlotId(pub u16);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Audio,
    Video,
}

/// A codec as one section names it. Two sections' codecs are the same when `format` is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Format {
    pub codec: Codec,
    pub format: String,
    pub payload_type: u8,
    /// Ticks a second of the RTP timestamp.
    pub clock_rate: u32,
    /// Payload type of its retransmissions (RFC 4588).
    pub rtx_payload_type: Option<u8>,
}

/// Ids of the header extensions (RFC 8285) that a section agreed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Extensions {
    pub mid: Option<u8>,
    pub rid: Option<u8>,
    pub repaired_rid: Option<u8>,
    pub transport_cc: Option<u8>,
    pub abs_send_time: Option<u8>,
    pub audio_level: Option<u8>,
}

/// How one quality of a published track is recognised.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EncodingName {
    pub rid: Option<String>,
    pub ssrc: Option<u32>,
    pub rtx_ssrc: Option<u32>,
}

/// A section in which a peer sends to us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceiveTrack {
    pub track: TrackId,
    pub mid: String,
    pub kind: Kind,
    pub formats: Vec<Format>,
    pub extensions: Extensions,
    pub encodings: Vec<EncodingName>,
    pub nack: bool,
    pub pli: bool,
    pub transport_cc: bool,
}

/// A section in which we send to a peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SendSlot {
    pub slot: SlotId,
    pub kind: Kind,
    pub ssrc: u32,
    pub rtx_ssrc: Option<u32>,
    pub cname: String,
    pub formats: Vec<Format>,
    pub extensions: Extensions,
}

impl SendSlot {
    /// The SSRCs that it sends with: of media, and of retransmissions.
    pub fn ssrcs(&self) -> impl Iterator<Item = u32> {
        std::iter::once(self.ssrc).chain(self.rtx_ssrc)
    }
}

/// A track fills a viewer's slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Route {
    pub track: TrackId,
    pub viewer: PeerId,
    pub slot: SlotId,
}

/// SRTP keys (RFC 5764): master key followed by salt, for each direction.
#[derive(Clone)]
pub struct Keys {
    pub profile: u16,
    pub local: Vec<u8>,
    pub remote: Vec<u8>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({:#06x}, ..)", self.profile)
    }
}

#[derive(Clone, Debug)]
pub enum Command {
    /// Makes a transport, its gate closed. `ssrc` is what our RTCP to it speaks with.
    OpenPeer {
        peer: PeerId,
        room: RoomId,
        local: crate::ice::Credentials,
        remote_ufrag: String,
        ssrc: u32,
    },
    RestartIce {
        peer: PeerId,
        local: crate::ice::Credentials,
        remote_ufrag: String,
    },
    SendDtls {
        peer: PeerId,
        datagrams: Vec<Vec<u8>>,
    },
    SetKeys {
        peer: PeerId,
        keys: Keys,
    },
    /// All sections after an offer and answer; the difference is applied.
    SetSections {
        peer: PeerId,
        tracks: Vec<ReceiveTrack>,
        slots: Vec<SendSlot>,
    },
    SetGate {
        peer: PeerId,
        open: bool,
    },
    SetMute {
        track: TrackId,
        muted: bool,
    },
    /// The room's whole wanted forwarding table; the difference is applied.
    SetRoutes {
        room: RoomId,
        routes: Vec<Route>,
    },
    ClosePeer {
        peer: PeerId,
    },
}
