//! SRTP and SRTCP: the protection of media and its control (RFC 3711, RFC 7714, keyed by DTLS as in RFC 5764).
//!
//! [`Sealer`] protects what we send, [`Opener`] opens what a peer sends. Both work in place, keep their key schedules
//! and allocate nothing per packet. What only a key holder can cause (a new stream, a moved replay window) happens
//! after authentication; a packet that fails it changes nothing but its own bytes.

mod cm;
mod error;
mod gcm;
mod kdf;
mod opener;
mod profile;
mod replay;
mod sealer;
mod session;
mod streams;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

pub use error::SrtpError;
pub use opener::{MAX_STREAMS, Opened, Opener};
pub use profile::Profile;
pub use replay::WINDOW;
pub(crate) use replay::Window;
pub use sealer::Sealer;

/// Bytes of an RTP header without CSRCs and extension (RFC 3550 section 5.1).
const RTP_HEADER: usize = 12;
/// Bytes of an RTCP packet that SRTCP leaves readable: the first header and the sender's SSRC (RFC 3711 section 3.4).
const RTCP_HEADER: usize = 8;
/// The E bit and the 31-bit SRTCP index.
const RTCP_WORD: usize = 4;
/// Set in that word when the packet is encrypted, as all of ours are.
const E_BIT: u32 = 1 << 31;
/// RTP packets that one master key may protect for an SSRC (RFC 3711 section 9.2).
const RTP_INDEXES: u64 = 1 << 48;
/// SRTCP packets that one master key may protect (RFC 3711 section 9.2).
const RTCP_INDEXES: u32 = 1 << 31;
