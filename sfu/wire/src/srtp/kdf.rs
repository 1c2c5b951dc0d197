//! Session keys from the master key (RFC 3711 section 4.3, RFC 6188 for 256 bits, RFC 7714 section 11 for short salts).
//! The key derivation rate is zero, as DTLS-SRTP leaves it: keys are derived once.

use std::hint::black_box;

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use super::{Profile, SrtpError};

/// The longest key a session has.
pub(super) const MAX_KEY: usize = 32;
/// The longest salt a session has; shorter ones are padded with zeros at the end.
pub(super) const MAX_SALT: usize = 14;
/// Bytes of an HMAC-SHA1 key (RFC 3711 section 5.2).
pub(super) const AUTH_KEY: usize = 20;

/// Which of the two protections the keys are for, and so the label of its first key (RFC 3711 section 4.3.1 and 4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    Rtp = 0,
    Rtcp = 3,
}

/// Key bytes that are wiped when they go.
pub(super) struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Secret<N> {
    #[cfg(test)]
    pub(super) fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.fill(0);
        // Keeps the compiler from leaving out a write that nobody reads.
        black_box(&self.0);
    }
}

/// The keys of one protection. Bytes past the profile's lengths are not part of the keys.
pub(super) struct SessionKeys {
    pub(super) cipher: Secret<MAX_KEY>,
    pub(super) auth: Secret<AUTH_KEY>,
    pub(super) salt: Secret<MAX_SALT>,
}

impl SessionKeys {
    pub(super) fn derive(
        profile: Profile,
        usage: Usage,
        key: &[u8],
        salt: &[u8],
    ) -> Result<Self, SrtpError> {
        if key.len() != profile.key_len() || salt.len() != profile.salt_len() {
            return Err(SrtpError::BadKey);
        }
        let algorithm = if key.len() == MAX_KEY {
            &AES_256
        } else {
            &AES_128
        };
        let key = UnboundCipherKey::new(algorithm, key)
            .and_then(EncryptingKey::ctr)
            .map_err(|_| SrtpError::BadKey)?;
        let first = usage as u8;
        let mut keys = Self {
            cipher: generate(&key, salt, first)?,
            auth: generate(&key, salt, first + 1)?,
            salt: generate(&key, salt, first + 2)?,
        };
        // The generator's output is a stream: a shorter salt is the beginning of a longer one.
        for byte in keys.salt.0.iter_mut().skip(profile.salt_len()) {
            *byte = 0;
        }
        Ok(keys)
    }
}

/// The pseudo-random function: AES in counter mode over zeros, from an IV of the salt and the label.
fn generate<const N: usize>(
    key: &EncryptingKey,
    salt: &[u8],
    label: u8,
) -> Result<Secret<N>, SrtpError> {
    let mut iv = [0; 16];
    for (to, from) in iv.iter_mut().zip(salt) {
        *to = *from;
    }
    iv[7] ^= label;
    let mut out = Secret([0; N]);
    key.less_safe_encrypt(&mut out.0, EncryptionContext::Iv128(FixedLength::from(iv)))
        .map_err(|_| SrtpError::Crypto)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::vectors::hex;
    use super::*;

    fn prf<const N: usize>(key: &str, salt: &str, label: u8) -> Vec<u8> {
        let key = hex(key);
        let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
        let key = UnboundCipherKey::new(algorithm, &key)
            .and_then(EncryptingKey::ctr)
            .unwrap();
        generate::<N>(&key, &hex(salt), label)
            .unwrap()
            .as_bytes()
            .to_vec()
    }

    #[test]
    fn rfc3711_appendix_b3() {
        let key = "E1F97A0D3E018BE0D64FA32C06DE4139";
        let salt = "0EC675AD498AFEEBB6960B3AABE6";
        assert_eq!(
            prf::<16>(key, salt, 0),
            hex("C61E7A93744F39EE10734AFE3FF7A087")
        );
        assert_eq!(prf::<14>(key, salt, 2), hex("30CBBC08863D8C85D49DB34A9AE1"));
        assert_eq!(
            prf::<94>(key, salt, 1),
            hex(
                "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
                 E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
                 6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2"
            )
        );
    }

    #[test]
    fn rfc6188_section_7_2() {
        let key = "F0F04914B513F2763A1B1FA130F10E2998F6F6E43E4309D1E622A0E332B9F1B6";
        let salt = "3B04803DE51EE7C96423AB5B78D2";
        assert_eq!(
            prf::<32>(key, salt, 0),
            hex("5BA1064E30EC51613CAD926C5A28EF73 1EC7FB397F70A960653CAF06554CD8C4")
        );
        assert_eq!(prf::<14>(key, salt, 2), hex("FA31791685CA444A9E07C6C64E93"));
    }

    #[test]
    fn a_session_has_the_appendix_keys_and_those_of_rtcp_differ() {
        let (key, salt) = (
            hex("E1F97A0D3E018BE0D64FA32C06DE4139"),
            hex("0EC675AD498AFEEBB6960B3AABE6"),
        );
        let rtp = SessionKeys::derive(Profile::Aes128CmSha1_80, Usage::Rtp, &key, &salt).unwrap();
        assert_eq!(
            rtp.cipher.as_bytes()[..16],
            hex("C61E7A93744F39EE10734AFE3FF7A087")
        );
        assert_eq!(
            rtp.auth.as_bytes()[..],
            hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4")
        );
        assert_eq!(rtp.salt.as_bytes()[..], hex("30CBBC08863D8C85D49DB34A9AE1"));
        let rtcp = SessionKeys::derive(Profile::Aes128CmSha1_80, Usage::Rtcp, &key, &salt).unwrap();
        assert_eq!(
            rtcp.cipher.as_bytes()[..16],
            hex("4C1AA45A81F73D61C800BBB00FBB1EAA")
        );
        assert_ne!(rtcp.auth.as_bytes(), rtp.auth.as_bytes());
        assert_ne!(rtcp.salt.as_bytes(), rtp.salt.as_bytes());
    }

    #[test]
    fn other_lengths_are_refused() {
        for profile in [
            Profile::Aes128CmSha1_80,
            Profile::AeadAes128Gcm,
            Profile::AeadAes256Gcm,
        ] {
            for (key, salt) in [(1, 0), (0, 1)] {
                for sign in [-1, 1] {
                    let key = vec![0; profile.key_len().wrapping_add_signed(sign * key)];
                    let salt = vec![0; profile.salt_len().wrapping_add_signed(sign * salt)];
                    let derived = SessionKeys::derive(profile, Usage::Rtp, &key, &salt);
                    assert_eq!(derived.err(), Some(SrtpError::BadKey));
                }
            }
        }
    }
}
