//! A view of a STUN message that came.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::crc32::crc32;
use super::integrity::IntegrityKey;
use super::{
    Class, FINGERPRINT_XOR, HEADER_LEN, INTEGRITY_LEN, MAGIC_COOKIE, MAX_MESSAGE_LEN, Method,
    StunError, TransactionId, attribute,
};

/// How many unknown attributes are remembered for the reply.
const MAX_UNKNOWN: usize = 4;

/// One STUN message, borrowed from its datagram. Nothing of it is proven until [`Message::integrity_valid`].
#[derive(Clone, Copy)]
pub struct Message<'a> {
    bytes: &'a [u8],
    class: Class,
    method: Method,
    transaction: TransactionId,
    username: Option<&'a [u8]>,
    priority: Option<u32>,
    use_candidate: bool,
    controlling: Option<u64>,
    controlled: Option<u64>,
    xor_mapped: Option<&'a [u8]>,
    error: Option<&'a [u8]>,
    integrity: Option<Located<[u8; INTEGRITY_LEN]>>,
    fingerprint: Option<Located<u32>>,
    unknown: [u16; MAX_UNKNOWN],
    unknown_count: usize,
}

/// An attribute's value, and where in the message the attribute begins.
#[derive(Clone, Copy)]
struct Located<T> {
    offset: usize,
    value: T,
}

impl<'a> Message<'a> {
    /// Reads a whole datagram. Of an attribute that comes twice the first counts (RFC 8489 section 14); what
    /// follows MESSAGE-INTEGRITY is not covered by it and is passed over, save FINGERPRINT (section 14.5).
    ///
    /// # Errors
    /// When the datagram is no well-formed STUN message.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, StunError> {
        if datagram.len() > MAX_MESSAGE_LEN {
            return Err(StunError::TooLong);
        }
        let (header, mut rest) = datagram
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(StunError::TooShort)?;
        let [t0, t1, l0, l1, c0, c1, c2, c3, transaction @ ..] = *header;
        let message_type = u16::from_be_bytes([t0, t1]);
        if message_type & 0xc000 != 0 || u32::from_be_bytes([c0, c1, c2, c3]) != MAGIC_COOKIE {
            return Err(StunError::NotStun);
        }
        if usize::from(u16::from_be_bytes([l0, l1])) != rest.len() || !rest.len().is_multiple_of(4)
        {
            return Err(StunError::Length);
        }
        let mut message = Self {
            bytes: datagram,
            class: Class::of(message_type),
            method: Method::of(message_type),
            transaction: TransactionId(transaction),
            username: None,
            priority: None,
            use_candidate: false,
            controlling: None,
            controlled: None,
            xor_mapped: None,
            error: None,
            integrity: None,
            fingerprint: None,
            unknown: [0; MAX_UNKNOWN],
            unknown_count: 0,
        };
        while !rest.is_empty() {
            let offset = datagram.len() - rest.len();
            let (&[k0, k1, l0, l1], body) =
                rest.split_first_chunk::<4>().ok_or(StunError::Attribute)?;
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            let (padded, next) = body
                .split_at_checked(length.next_multiple_of(4))
                .ok_or(StunError::Attribute)?;
            let value = padded.get(..length).ok_or(StunError::Attribute)?;
            message.take(u16::from_be_bytes([k0, k1]), value, offset)?;
            rest = next;
        }
        Ok(message)
    }

    fn take(&mut self, kind: u16, value: &'a [u8], offset: usize) -> Result<(), StunError> {
        if kind == attribute::FINGERPRINT {
            let value = u32::from_be_bytes(fixed(value)?);
            self.fingerprint.get_or_insert(Located { offset, value });
            return Ok(());
        }
        if self.integrity.is_some() || self.fingerprint.is_some() {
            return Ok(());
        }
        match kind {
            attribute::USERNAME => {
                self.username.get_or_insert(value);
            }
            attribute::MESSAGE_INTEGRITY => {
                self.integrity = Some(Located {
                    offset,
                    value: fixed(value)?,
                });
            }
            attribute::ERROR_CODE => {
                self.error.get_or_insert(value);
            }
            attribute::XOR_MAPPED_ADDRESS => {
                self.xor_mapped.get_or_insert(value);
            }
            attribute::PRIORITY => {
                self.priority
                    .get_or_insert(u32::from_be_bytes(fixed(value)?));
            }
            attribute::USE_CANDIDATE => {
                fixed::<0>(value)?;
                self.use_candidate = true;
            }
            attribute::ICE_CONTROLLED => {
                self.controlled
                    .get_or_insert(u64::from_be_bytes(fixed(value)?));
            }
            attribute::ICE_CONTROLLING => {
                self.controlling
                    .get_or_insert(u64::from_be_bytes(fixed(value)?));
            }
            attribute::MAPPED_ADDRESS
            | attribute::UNKNOWN_ATTRIBUTES
            | attribute::REALM
            | attribute::NONCE
            | attribute::MESSAGE_INTEGRITY_SHA256
            | attribute::PASSWORD_ALGORITHM
            | attribute::USERHASH
            | attribute::FIRST_OPTIONAL.. => {}
            unknown => {
                if let Some(place) = self.unknown.get_mut(self.unknown_count) {
                    *place = unknown;
                    self.unknown_count += 1;
                }
            }
        }
        Ok(())
    }

    /// What the message is in its transaction.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// What it is about.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// What ties it to its request or reply.
    #[must_use]
    pub fn transaction(&self) -> TransactionId {
        self.transaction
    }

    /// Length of the datagram, in bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // never empty: a message has a header
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// USERNAME (RFC 8489 section 14.3), none when it is no UTF-8.
    #[must_use]
    pub fn username(&self) -> Option<&'a str> {
        self.username.and_then(|bytes| str::from_utf8(bytes).ok())
    }

    /// The receiver's half of the username of a check, which says for whom it is (RFC 8445 section 7.2.2).
    #[must_use]
    pub fn receiver_ufrag(&self) -> Option<&'a str> {
        self.username()?
            .split_once(':')
            .map(|(receiver, _)| receiver)
    }

    /// Whether the client nominates the tuple (RFC 8445 section 7.1.2).
    #[must_use]
    pub fn use_candidate(&self) -> bool {
        self.use_candidate
    }

    /// The tie-breaker of a client that claims the controlling role (RFC 8445 section 7.1.3).
    #[must_use]
    pub fn ice_controlling(&self) -> Option<u64> {
        self.controlling
    }

    /// The tie-breaker of a client that claims the controlled role (RFC 8445 section 7.1.3).
    #[must_use]
    pub fn ice_controlled(&self) -> Option<u64> {
        self.controlled
    }

    /// PRIORITY (RFC 8445 section 7.1.1).
    #[must_use]
    pub fn priority(&self) -> Option<u32> {
        self.priority
    }

    /// The attributes that must be understood and are not (RFC 8489 section 6.3.1), the first four.
    #[must_use]
    pub fn unknown_attributes(&self) -> &[u16] {
        self.unknown.get(..self.unknown_count).unwrap_or_default()
    }

    /// Whether FINGERPRINT is there, is last, and fits (RFC 8489 section 14.7).
    #[must_use]
    pub fn fingerprint_valid(&self) -> bool {
        let Some(Located { offset, value }) = self.fingerprint else {
            return false;
        };
        offset + 8 == self.bytes.len()
            && self
                .bytes
                .get(..offset)
                .is_some_and(|covered| crc32(covered) ^ FINGERPRINT_XOR == value)
    }

    /// Whether MESSAGE-INTEGRITY is there and was made with `key` (RFC 8489 section 14.5); in constant time.
    #[must_use]
    pub fn integrity_valid(&self, key: &IntegrityKey) -> bool {
        self.integrity
            .is_some_and(|Located { offset, value }| key.verify(self.bytes, offset, &value))
    }

    /// The address that the responder saw (RFC 8489 section 14.2).
    #[must_use]
    pub fn xor_mapped_address(&self) -> Option<SocketAddr> {
        let (&[_, family, p0, p1], address) = self.xor_mapped?.split_first_chunk::<4>()?;
        let port = u16::from_be_bytes([p0, p1]) ^ (MAGIC_COOKIE >> 16) as u16;
        let ip: IpAddr = match family {
            1 => Ipv4Addr::from(u32::from_be_bytes(address.try_into().ok()?) ^ MAGIC_COOKIE).into(),
            2 => Ipv6Addr::from(
                u128::from_be_bytes(address.try_into().ok()?) ^ address_mask(self.transaction),
            )
            .into(),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }

    /// The code of an error reply (RFC 8489 section 14.8), 300 to 699.
    #[must_use]
    pub fn error_code(&self) -> Option<u16> {
        let &[_, _, class, number] = self.error?.first_chunk::<4>()?;
        let class = u16::from(class & 0x07);
        ((3..=6).contains(&class) && number < 100).then(|| class * 100 + u16::from(number))
    }
}

/// Usernames and addresses stay out of logs.
impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Message({:?} {:?}, {} bytes)",
            self.method,
            self.class,
            self.bytes.len()
        )
    }
}

/// What an IPv6 address is XORed with: magic cookie and transaction id (RFC 8489 section 14.2).
pub(super) fn address_mask(TransactionId(id): TransactionId) -> u128 {
    id.iter().fold(u128::from(MAGIC_COOKIE), |mask, byte| {
        (mask << 8) | u128::from(*byte)
    })
}

fn fixed<const N: usize>(value: &[u8]) -> Result<[u8; N], StunError> {
    value.try_into().map_err(|_| StunError::Attribute)
}
