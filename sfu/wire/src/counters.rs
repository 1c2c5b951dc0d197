//! Plain counters, read by the node in one call. Nothing here is ever reset.

use crate::command::Kind;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        #[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
        pub struct Counters { $($(#[$doc])* pub $name: u64),* }

        impl Counters {
            /// Names in the order of [`Counters::values`].
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            pub fn values(&self) -> Vec<u64> {
                vec![$(self.$name),*]
            }
        }
    };
}

/// What a datagram is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    Stun,
    Dtls,
    Rtcp,
    Audio,
    Video,
    /// Retransmissions, and the padding that probes with them (RFC 4588).
    Repair,
}

impl From<Kind> for Content {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Audio => Self::Audio,
            Kind::Video => Self::Video,
        }
    }
}

impl Counters {
    /// Notes a datagram that came in, once it is known what it is.
    pub fn received(&mut self, content: Content, bytes: usize) {
        let (datagrams, total) = match content {
            Content::Stun => (&mut self.stun_received, &mut self.stun_bytes_received),
            Content::Dtls => (&mut self.dtls_received, &mut self.dtls_bytes_received),
            Content::Rtcp => (&mut self.rtcp_received, &mut self.rtcp_bytes_received),
            Content::Audio => (&mut self.audio_received, &mut self.audio_bytes_received),
            Content::Video => (&mut self.video_received, &mut self.video_bytes_received),
            Content::Repair => (&mut self.repair_received, &mut self.repair_bytes_received),
        };
        *datagrams += 1;
        *total += bytes as u64;
    }

    /// Notes a datagram that is handed over to be sent.
    pub fn sent(&mut self, content: Content, bytes: usize) {
        let (datagrams, total) = match content {
            Content::Stun => (&mut self.stun_sent, &mut self.stun_bytes_sent),
            Content::Dtls => (&mut self.dtls_sent, &mut self.dtls_bytes_sent),
            Content::Rtcp => (&mut self.rtcp_sent, &mut self.rtcp_bytes_sent),
            Content::Audio => (&mut self.audio_sent, &mut self.audio_bytes_sent),
            Content::Video => (&mut self.video_sent, &mut self.video_bytes_sent),
            Content::Repair => (&mut self.repair_sent, &mut self.repair_bytes_sent),
        };
        *datagrams += 1;
        *total += bytes as u64;
    }
}

counters! {
    /// Datagrams and bytes of payload, of UDP or in TCP's frames, that came in.
    datagrams_received,
    bytes_received,
    /// Datagrams and bytes of payload that were queued to be sent.
    datagrams_sent,
    bytes_sent,
    /// The same by what they are. STUN counts from anybody, DTLS and RTCP from validated addresses, the rest once it
    /// passed authentication and is of a section; what is left of the totals is what was dropped before that.
    stun_received,
    stun_bytes_received,
    dtls_received,
    dtls_bytes_received,
    rtcp_received,
    rtcp_bytes_received,
    audio_received,
    audio_bytes_received,
    video_received,
    video_bytes_received,
    repair_received,
    repair_bytes_received,
    stun_sent,
    stun_bytes_sent,
    dtls_sent,
    dtls_bytes_sent,
    rtcp_sent,
    rtcp_bytes_sent,
    audio_sent,
    audio_bytes_sent,
    video_sent,
    video_bytes_sent,
    repair_sent,
    repair_bytes_sent,
    /// RTP packets that passed authentication.
    rtp_received,
    /// RTP packets sent to viewers, retransmissions apart.
    rtp_forwarded,
    /// Audio packets that were missing and went to viewers out of the copies in later ones (RFC 2198).
    red_recovered,
    /// Retransmissions sent to viewers (RFC 4588).
    rtx_sent,
    /// Packets to viewers that were queued when their way closed, and not sent.
    rtp_withdrawn,
    /// Packets of publishers that came by retransmission and were missing.
    rtx_recovered,
    /// Retransmissions that a viewer asked for and that were no longer, or never, there.
    rtx_missed,
    /// Sequence numbers asked again of publishers.
    nacks_sent,
    keyframe_requests_received,
    keyframe_requests_sent,
    /// Datagrams of no known kind.
    dropped_unknown,
    /// STUN that was malformed, unknown or wrongly signed.
    dropped_stun,
    /// Anything but STUN from an address that ICE has not validated.
    dropped_unvalidated,
    /// DTLS beyond what the queue to the node holds.
    dropped_dtls,
    /// RTP and RTCP before the keys.
    dropped_no_keys,
    dropped_malformed,
    dropped_auth,
    dropped_replay,
    /// Packets of an SSRC that belongs to no section.
    dropped_unknown_stream,
    /// Packets of publishers whose gate is closed, or of muted tracks.
    dropped_gate,
    /// Packets whose codec a viewer's section does not have.
    dropped_codec,
    /// Packets that were older than the opening or than what a viewer is shown.
    dropped_old,
    /// Datagrams that the system did not take.
    send_errors,
    /// TCP connections that were taken, turned away at the door, and closed again by either side.
    tcp_accepted,
    tcp_refused,
    tcp_closed,
    /// Datagrams that a connection had no room for, or that grew too old while they waited in it.
    tcp_dropped,
    /// Times the media thread woke.
    wakeups,
}
