//! What can go wrong with a protected packet.

use std::error::Error;
use std::fmt;

/// Why a packet could not be sealed or opened. All but `BadKey`, `Exhausted` and `Crypto` are for counters only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SrtpError {
    /// The packet has no room for its header and trailer, or the header length given is not that of an RTP header.
    TooShort,
    /// The authentication tag does not fit: forged, damaged, or sealed with other keys.
    Auth,
    /// This index was received before (RFC 3711 section 3.3.2).
    Replay,
    /// The index is behind the replay window, so nobody can tell whether it was received before.
    TooOld,
    /// SRTCP without the E bit; all DTLS-SRTP profiles we offer encrypt (RFC 5764 section 4.1.2).
    Unencrypted,
    /// The peer uses more SSRCs than we keep state for.
    TooManyStreams,
    /// Master key or salt is not as long as the profile asks.
    BadKey,
    /// The master key has protected as many packets as it may (RFC 3711 section 9.2).
    Exhausted,
    /// The crypto library refused; not expected for any input.
    Crypto,
}

impl SrtpError {
    /// A stable name for counters and logs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "srtp_too_short",
            Self::Auth => "srtp_auth",
            Self::Replay => "srtp_replay",
            Self::TooOld => "srtp_too_old",
            Self::Unencrypted => "srtp_unencrypted",
            Self::TooManyStreams => "srtp_too_many_streams",
            Self::BadKey => "srtp_bad_key",
            Self::Exhausted => "srtp_exhausted",
            Self::Crypto => "srtp_crypto",
        }
    }
}

impl fmt::Display for SrtpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Error for SrtpError {}
