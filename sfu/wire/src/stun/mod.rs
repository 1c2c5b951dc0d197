//! STUN messages (RFC 8489), as far as ICE needs them: a view of what came, writers for Binding requests and
//! their replies. Short-term credentials alone (RFC 8489 section 9.1): MESSAGE-INTEGRITY is HMAC-SHA1 under the
//! receiver's ICE password, and every message closes with FINGERPRINT.

mod crc32;
mod integrity;
mod message;
#[cfg(test)]
mod tests;
mod write;

use std::error::Error;
use std::fmt;

pub use integrity::IntegrityKey;
pub use message::Message;
#[cfg(test)]
pub(crate) use write::Writer;
pub(crate) use write::write_unknown_attributes;
pub use write::{BindingRequest, write_binding_error, write_binding_success};

/// The longest message that is looked at, in bytes. Browsers' checks have about 100; the bound keeps the work on
/// garbage small.
pub const MAX_MESSAGE_LEN: usize = 1_500;

/// Length of the header, in bytes (RFC 8489 section 5).
const HEADER_LEN: usize = 20;

/// RFC 8489 section 5.
const MAGIC_COOKIE: u32 = 0x2112_a442;

/// FINGERPRINT's CRC-32 is XORed with this, so that a protocol with a CRC-32 of its own can't be mistaken for STUN
/// (RFC 8489 section 14.7).
const FINGERPRINT_XOR: u32 = 0x5354_554e;

/// Length of MESSAGE-INTEGRITY's value, in bytes (RFC 8489 section 14.5).
const INTEGRITY_LEN: usize = 20;

/// Attribute types (RFC 8489 section 18.3, RFC 8445 section 20.1).
mod attribute {
    pub(super) const MAPPED_ADDRESS: u16 = 0x0001;
    pub(super) const USERNAME: u16 = 0x0006;
    pub(super) const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub(super) const ERROR_CODE: u16 = 0x0009;
    pub(super) const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    pub(super) const REALM: u16 = 0x0014;
    pub(super) const NONCE: u16 = 0x0015;
    pub(super) const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
    pub(super) const PASSWORD_ALGORITHM: u16 = 0x001d;
    pub(super) const USERHASH: u16 = 0x001e;
    pub(super) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub(super) const PRIORITY: u16 = 0x0024;
    pub(super) const USE_CANDIDATE: u16 = 0x0025;
    pub(super) const FINGERPRINT: u16 = 0x8028;
    pub(super) const ICE_CONTROLLED: u16 = 0x8029;
    pub(super) const ICE_CONTROLLING: u16 = 0x802a;
    /// From here on a receiver may pass over what it does not know (RFC 8489 section 14).
    pub(super) const FIRST_OPTIONAL: u16 = 0x8000;
}

/// What a message is in its transaction (RFC 8489 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Wants a reply.
    Request,
    /// Wants none.
    Indication,
    /// The reply to a request that was accepted.
    Success,
    /// The reply to one that was not; its ERROR-CODE says why.
    Error,
}

impl Class {
    /// The two class bits C1 and C0 at their places in the message type.
    const fn bits(self) -> u16 {
        match self {
            Self::Request => 0x000,
            Self::Indication => 0x010,
            Self::Success => 0x100,
            Self::Error => 0x110,
        }
    }

    const fn of(message_type: u16) -> Self {
        match (message_type & 0x100 != 0, message_type & 0x010 != 0) {
            (false, false) => Self::Request,
            (false, true) => Self::Indication,
            (true, false) => Self::Success,
            (true, true) => Self::Error,
        }
    }
}

/// RFC 8489 section 18.2. ICE has only Binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// A connectivity check, and its reply.
    Binding,
    /// Any other, by its number.
    Other(u16),
}

impl Method {
    /// The method's twelve bits lie around the two class bits (RFC 8489 figure 3).
    const fn of(message_type: u16) -> Self {
        match (message_type & 0x000f)
            | ((message_type & 0x00e0) >> 1)
            | ((message_type & 0x3e00) >> 2)
        {
            1 => Self::Binding,
            other => Self::Other(other),
        }
    }
}

/// What ties a reply to its request (RFC 8489 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransactionId(pub [u8; 12]);

/// Why a datagram is no STUN message. A malformed message is dropped without reply (RFC 8489 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StunError {
    /// Shorter than the header.
    TooShort,
    /// Longer than [`MAX_MESSAGE_LEN`].
    TooLong,
    /// The first two bits or the magic cookie are not STUN's.
    NotStun,
    /// The header's length is not the datagram's.
    Length,
    /// An attribute runs over the end, or one of fixed length has another.
    Attribute,
}

impl fmt::Display for StunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "shorter than a STUN header",
            Self::TooLong => "longer than any STUN message of ICE",
            Self::NotStun => "not STUN",
            Self::Length => "length does not match the datagram",
            Self::Attribute => "malformed attribute",
        })
    }
}

impl Error for StunError {}
