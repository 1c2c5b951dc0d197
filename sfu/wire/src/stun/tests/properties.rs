//! What holds for any bytes.

use proptest::prelude::*;

use super::*;

/// Everything that a caller can ask.
pub(super) fn ask_everything(message: &Message<'_>) -> bool {
    let _ = (
        message.username(),
        message.receiver_ufrag(),
        message.xor_mapped_address(),
        message.error_code(),
    );
    let _ = (
        message.priority(),
        message.ice_controlling(),
        message.ice_controlled(),
        message.unknown_attributes(),
    );
    message.fingerprint_valid() & message.integrity_valid(&key())
}

/// A header that fits, and then anything.
fn framed(body: &[u8]) -> Vec<u8> {
    let mut bytes = check()[..HEADER_LEN].to_vec();
    bytes.extend_from_slice(&body[..body.len() / 4 * 4]);
    let len = (bytes.len() - HEADER_LEN) as u16;
    bytes[2..4].copy_from_slice(&len.to_be_bytes());
    bytes
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..MAX_MESSAGE_LEN + 8)) {
        if let Ok(message) = Message::parse(&bytes) {
            prop_assert!(!ask_everything(&message));
        }
    }

    #[test]
    fn arbitrary_bodies_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(message) = Message::parse(&framed(&body)) {
            prop_assert!(!ask_everything(&message));
        }
    }

    #[test]
    fn arbitrary_attributes_never_panic(attributes in proptest::collection::vec(
        (prop_oneof![0_u16..0x30, 0x8020_u16..0x8030, any::<u16>()], proptest::collection::vec(any::<u8>(), 0..24)),
        0..12,
    )) {
        if let Ok(message) = Message::parse(&message(&attributes)) {
            ask_everything(&message);
        }
    }

    #[test]
    fn one_changed_byte_is_noticed(offset in any::<prop::sample::Index>(), change in 1_u8..) {
        let mut bytes = check();
        let offset = offset.index(bytes.len());
        bytes[offset] ^= change;
        if let Ok(message) = Message::parse(&bytes) {
            prop_assert!(!message.fingerprint_valid());
            // Only the fingerprint itself lies outside what the integrity covers.
            prop_assert_eq!(message.integrity_valid(&key()), offset >= bytes.len() - 8);
        }
    }

    #[test]
    fn mutated_messages_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in 0_usize..120,
    ) {
        let mut bytes = check();
        for (offset, value) in changes {
            let offset = offset.index(bytes.len());
            bytes[offset] = value;
        }
        bytes.truncate(cut);
        if let Ok(message) = Message::parse(&bytes) {
            ask_everything(&message);
        }
        if let Ok(message) = Message::parse(&framed(bytes.get(HEADER_LEN..).unwrap_or_default())) {
            ask_everything(&message);
        }
    }

    #[test]
    fn every_address_is_read_back(ip in any::<std::net::IpAddr>(), port in any::<u16>(), id in any::<[u8; 12]>()) {
        let mut out = Vec::new();
        write_binding_success(TransactionId(id), SocketAddr::new(ip, port), &key(), &mut out);
        let mapped = Message::parse(&out).ok().and_then(|message| message.xor_mapped_address());
        prop_assert_eq!(mapped, Some(SocketAddr::new(ip.to_canonical(), port)));
    }

    #[test]
    fn every_username_is_read_back(username in "\\PC{0,64}") {
        let mut out = Vec::new();
        let request = BindingRequest {
            transaction: TX,
            username: &username,
            priority: 1,
            controlling: None,
            controlled: None,
            use_candidate: false,
        };
        request.write(&key(), &mut out);
        let message = Message::parse(&out).unwrap();
        prop_assert_eq!(message.username(), Some(username.as_str()));
        prop_assert!(ask_everything(&message));
    }
}
