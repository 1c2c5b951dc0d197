//! Plain counters, read by the node in one call. Nothing here is ever reset.

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

counters! {
    /// Datagrams and bytes of UDP payload that came in.
    datagrams_received,
    bytes_received,
    /// Datagrams and bytes of UDP payload that were queued to be sent.
    datagrams_sent,
    bytes_sent,
    /// RTP packets that passed authentication.
    rtp_received,
    /// RTP packets sent to viewers, retransmissions apart.
    rtp_forwarded,
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
    /// Times the media thread woke.
    wakeups,
}
