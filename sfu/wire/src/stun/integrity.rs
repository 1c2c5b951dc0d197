//! MESSAGE-INTEGRITY (RFC 8489 section 14.5).

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use super::{HEADER_LEN, INTEGRITY_LEN};

/// The HMAC-SHA1 key of one ICE password, its schedule computed once.
#[derive(Clone)]
pub struct IntegrityKey(hmac::Key);

impl IntegrityKey {
    /// With short-term credentials the password is the key (RFC 8489 section 9.1.1). ICE passwords are plain ASCII
    /// (RFC 8445 section 5.3), which OpaqueString leaves as it is.
    #[must_use]
    pub fn new(password: &str) -> Self {
        Self::from_bytes(password.as_bytes())
    }

    pub(super) fn from_bytes(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key))
    }

    /// The tag of a message whose MESSAGE-INTEGRITY attribute is, or will be, at `offset`: it covers all before the
    /// attribute, with a length in the header that ends just after it. `None` when `offset` lies outside.
    pub(super) fn tag(&self, message: &[u8], offset: usize) -> Option<hmac::Tag> {
        let (message_type, rest) = message.split_first_chunk::<2>()?;
        let (_, rest) = rest.split_first_chunk::<2>()?;
        let covered = rest.get(..offset.checked_sub(4)?)?;
        let length = u16::try_from((offset + 4 + INTEGRITY_LEN).checked_sub(HEADER_LEN)?).ok()?;
        let mut context = hmac::Context::with_key(&self.0);
        context.update(message_type);
        context.update(&length.to_be_bytes());
        context.update(covered);
        Some(context.sign())
    }

    /// Takes the same time whichever byte differs.
    pub(super) fn verify(&self, message: &[u8], offset: usize, tag: &[u8; INTEGRITY_LEN]) -> bool {
        self.tag(message, offset)
            .is_some_and(|own| verify_slices_are_equal(own.as_ref(), tag).is_ok())
    }
}

/// A key stays out of logs.
impl fmt::Debug for IntegrityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IntegrityKey(..)")
    }
}
