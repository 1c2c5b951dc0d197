//! Writers: Binding requests and their replies. All append to `out`.

use std::net::{IpAddr, SocketAddr};

use super::crc32::crc32;
use super::integrity::IntegrityKey;
use super::message::address_mask;
use super::{Class, FINGERPRINT_XOR, MAGIC_COOKIE, TransactionId, attribute};

/// A success reply: 64 bytes for IPv4, 76 for IPv6. An IPv4-mapped IPv6 address, as a dual-stack socket tells
/// it, is written as the IPv4 address that the client knows.
pub fn write_binding_success(
    tx: TransactionId,
    mapped: SocketAddr,
    key: &IntegrityKey,
    out: &mut Vec<u8>,
) {
    let mut writer = Writer::new(Class::Success, tx, out);
    let port = (mapped.port() ^ (MAGIC_COOKIE >> 16) as u16).to_be_bytes();
    match mapped.ip().to_canonical() {
        IpAddr::V4(ip) => {
            let address = (u32::from(ip) ^ MAGIC_COOKIE).to_be_bytes();
            writer.attribute(attribute::XOR_MAPPED_ADDRESS, &[&[0, 1], &port, &address]);
        }
        IpAddr::V6(ip) => {
            let address = (u128::from(ip) ^ address_mask(tx)).to_be_bytes();
            writer.attribute(attribute::XOR_MAPPED_ADDRESS, &[&[0, 2], &port, &address]);
        }
    }
    writer.finish(Some(key));
}

/// An error reply without a reason phrase: 60 bytes with a key, 36 without. So it is never larger than a request that
/// carries USERNAME, MESSAGE-INTEGRITY and FINGERPRINT.
pub fn write_binding_error(
    tx: TransactionId,
    code: u16,
    key: Option<&IntegrityKey>,
    out: &mut Vec<u8>,
) {
    let mut writer = Writer::new(Class::Error, tx, out);
    writer.error(code);
    writer.finish(key);
}

/// Error 420: the request has attributes that must be understood and are not (RFC 8489 section 6.3.1).
pub(crate) fn write_unknown_attributes(
    tx: TransactionId,
    unknown: &[u16],
    key: &IntegrityKey,
    out: &mut Vec<u8>,
) {
    let mut writer = Writer::new(Class::Error, tx, out);
    writer.error(420);
    let list: Vec<u8> = unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
    writer.attribute(attribute::UNKNOWN_ATTRIBUTES, &[&list]);
    writer.finish(Some(key));
}

/// A connectivity check as a controlling client sends it (RFC 8445 section 7.2.2): for load generators and tests.
#[derive(Clone, Copy)]
pub struct BindingRequest<'a> {
    /// Fresh for every check; the reply repeats it.
    pub transaction: TransactionId,
    /// "receiver's ufrag:sender's ufrag".
    pub username: &'a str,
    /// Priority that a peer-reflexive candidate of this check would have.
    pub priority: u32,
    /// Tie-breaker of the controlling role, none to leave the role out.
    pub controlling: Option<u64>,
    /// Tie-breaker of the controlled role.
    pub controlled: Option<u64>,
    /// Whether the check nominates its tuple.
    pub use_candidate: bool,
}

impl BindingRequest<'_> {
    /// Appends the request; `key` is of the receiver's password.
    pub fn write(&self, key: &IntegrityKey, out: &mut Vec<u8>) {
        let mut writer = Writer::new(Class::Request, self.transaction, out);
        writer.attribute(attribute::USERNAME, &[self.username.as_bytes()]);
        writer.attribute(attribute::PRIORITY, &[&self.priority.to_be_bytes()]);
        if let Some(tie_breaker) = self.controlling {
            writer.attribute(attribute::ICE_CONTROLLING, &[&tie_breaker.to_be_bytes()]);
        }
        if let Some(tie_breaker) = self.controlled {
            writer.attribute(attribute::ICE_CONTROLLED, &[&tie_breaker.to_be_bytes()]);
        }
        if self.use_candidate {
            writer.attribute(attribute::USE_CANDIDATE, &[]);
        }
        writer.finish(Some(key));
    }
}

/// A message under construction at the end of `out`.
pub(crate) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
}

impl<'o> Writer<'o> {
    /// Begins a message of method Binding.
    pub(crate) fn new(
        class: Class,
        TransactionId(id): TransactionId,
        out: &'o mut Vec<u8>,
    ) -> Self {
        let start = out.len();
        out.extend_from_slice(&(class.bits() | 1).to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        out.extend_from_slice(&id);
        Self { out, start }
    }

    /// Goes on with a message that is all there is in `out`.
    #[cfg(test)]
    pub(crate) fn resume(out: &'o mut Vec<u8>) -> Self {
        Self { out, start: 0 }
    }

    /// Appends an attribute whose value is `parts` one after the other, and its padding.
    pub(crate) fn attribute(&mut self, kind: u16, parts: &[&[u8]]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.out.extend_from_slice(&kind.to_be_bytes());
        self.out.extend_from_slice(&(length as u16).to_be_bytes());
        for part in parts {
            self.out.extend_from_slice(part);
        }
        self.out
            .resize(self.out.len() + (length.next_multiple_of(4) - length), 0);
    }

    fn error(&mut self, code: u16) {
        self.attribute(
            attribute::ERROR_CODE,
            &[&[0, 0, (code / 100) as u8, (code % 100) as u8]],
        );
    }

    pub(crate) fn finish(mut self, key: Option<&IntegrityKey>) {
        if let Some(tag) = key.and_then(|key| key.tag(self.written(), self.written().len())) {
            self.attribute(attribute::MESSAGE_INTEGRITY, &[tag.as_ref()]);
        }
        // The fingerprint covers the header with the final length.
        let fingerprint_len = 8;
        let length = self.written().len() + fingerprint_len - super::HEADER_LEN;
        if let Some(field) = self.out.get_mut(self.start + 2..self.start + 4) {
            field.copy_from_slice(&(length as u16).to_be_bytes());
        }
        let fingerprint = crc32(self.written()) ^ FINGERPRINT_XOR;
        self.attribute(attribute::FINGERPRINT, &[&fingerprint.to_be_bytes()]);
    }

    fn written(&self) -> &[u8] {
        self.out.get(self.start..).unwrap_or_default()
    }
}
