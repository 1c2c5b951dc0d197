//! What a datagram on the media port is, by its first bytes (RFC 7983; RFC 5761 section 4 for RTCP).
//!
//! This is the first filter in front of everything: what is too short for its protocol's header is already unknown.

/// The protocol of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// First byte 0 to 3, and the magic cookie.
    Stun,
    /// First byte 20 to 63.
    Dtls,
    /// First byte 128 to 191.
    Rtp,
    /// As RTP, with a packet type of 192 to 223.
    Rtcp,
    /// To be counted and dropped.
    Unknown,
}

/// The magic cookie of STUN (RFC 8489 section 5).
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// Shortest datagrams, in bytes: STUN header, DTLS record header (RFC 6347 section 4.1; a record of DTLS 1.3 with a
/// unified header is longer by its tag alone, RFC 9147 section 4), RTP and RTCP header.
const STUN_MIN: usize = 20;
const DTLS_MIN: usize = 13;
const RTP_MIN: usize = 12;
const RTCP_MIN: usize = 8;

/// Sorts a datagram. Empty and too short ones, ZRTP and TURN channels are `Unknown`.
#[must_use]
pub fn classify(datagram: &[u8]) -> Kind {
    let Some(&[first, second]) = datagram.first_chunk::<2>() else {
        return Kind::Unknown;
    };
    let (kind, min) = match (first, second) {
        (0..=3, _) if datagram.get(4..8) == Some(&MAGIC_COOKIE) => (Kind::Stun, STUN_MIN),
        (20..=63, _) => (Kind::Dtls, DTLS_MIN),
        // Payload types 64 to 95 with either marker are RTCP's packet types 192 to 223.
        (128..=191, 192..=223) => (Kind::Rtcp, RTCP_MIN),
        (128..=191, _) => (Kind::Rtp, RTP_MIN),
        _ => return Kind::Unknown,
    };
    if datagram.len() < min {
        Kind::Unknown
    } else {
        kind
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A datagram of `len` bytes that begins as given, with STUN's cookie where it belongs.
    fn datagram(first: u8, second: u8, len: usize) -> Vec<u8> {
        let mut bytes = vec![first, second, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        bytes.resize(len.max(8), 0);
        bytes.truncate(len);
        bytes
    }

    #[test]
    fn kinds_by_first_bytes() {
        let table = [
            (0, 1, Kind::Stun),
            (1, 1, Kind::Stun),
            (3, 0, Kind::Stun),
            (4, 0, Kind::Unknown),
            (16, 0, Kind::Unknown), // ZRTP
            (19, 0, Kind::Unknown),
            (20, 254, Kind::Dtls),
            (22, 254, Kind::Dtls),
            (63, 0, Kind::Dtls),
            (64, 0, Kind::Unknown), // TURN channel
            (127, 0, Kind::Unknown),
            (128, 111, Kind::Rtp),
            (0x90, 0x80 | 111, Kind::Rtp),
            (128, 191, Kind::Rtp),
            (128, 192, Kind::Rtcp),
            (128, 200, Kind::Rtcp),
            (0x81, 206, Kind::Rtcp),
            (128, 223, Kind::Rtcp),
            (128, 224, Kind::Rtp),
            (191, 0, Kind::Rtp),
            (192, 0, Kind::Unknown),
            (255, 255, Kind::Unknown),
        ];
        for (first, second, kind) in table {
            assert_eq!(
                classify(&datagram(first, second, 40)),
                kind,
                "{first} {second}"
            );
        }
    }

    #[test]
    fn too_short_is_unknown() {
        for (first, second, kind, min) in [
            (0, 1, Kind::Stun, 20),
            (22, 254, Kind::Dtls, 13),
            (128, 0, Kind::Rtp, 12),
            (128, 200, Kind::Rtcp, 8),
        ] {
            assert_eq!(classify(&datagram(first, second, min)), kind);
            for len in 0..min {
                assert_eq!(
                    classify(&datagram(first, second, len)),
                    Kind::Unknown,
                    "{kind:?} of {len} bytes"
                );
            }
        }
    }

    #[test]
    fn stun_needs_the_cookie() {
        assert_eq!(classify(&[0; 20]), Kind::Unknown);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let kind = classify(&bytes);
            prop_assert!(kind == Kind::Unknown || bytes.len() >= 8);
        }
    }
}
