//! What is written is read back, and what is malformed is refused.

use super::*;

#[test]
fn success_is_read_back() {
    for (mapped, told, len) in [
        ("192.0.2.1:32853", "192.0.2.1:32853", 64),
        ("[2001:db8::1]:1", "[2001:db8::1]:1", 76),
        ("[::ffff:192.0.2.1]:65535", "192.0.2.1:65535", 64),
    ] {
        // What is there already stays: replies are written one behind another.
        let mut out = b"before".to_vec();
        write_binding_success(TX, address(mapped), &key(), &mut out);
        let bytes = out.strip_prefix(b"before").unwrap();
        let message = Message::parse(bytes).unwrap();
        assert_eq!(
            (message.class(), message.method()),
            (Class::Success, Method::Binding)
        );
        assert_eq!(message.transaction(), TX);
        assert_eq!(message.xor_mapped_address(), Some(address(told)));
        assert!(message.fingerprint_valid() && message.integrity_valid(&key()));
        assert_eq!(bytes.len(), len);
    }
}

#[test]
fn error_is_read_back() {
    for code in [300, 400, 401, 420, 487, 500, 699] {
        for (key, len) in [(Some(key()), 60), (None, 36)] {
            let mut out = Vec::new();
            write_binding_error(TX, code, key.as_ref(), &mut out);
            let message = Message::parse(&out).unwrap();
            assert_eq!(message.class(), Class::Error);
            assert_eq!(message.error_code(), Some(code));
            assert!(message.fingerprint_valid());
            assert_eq!(
                key.is_some_and(|key| message.integrity_valid(&key)),
                len == 60
            );
            assert_eq!(out.len(), len);
        }
    }
}

#[test]
fn request_is_read_back() {
    let bytes = check();
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(
        (message.class(), message.method()),
        (Class::Request, Method::Binding)
    );
    assert_eq!(message.username(), Some("evtj:h6vY"));
    assert_eq!(message.priority(), Some(0x6e00_01ff));
    assert_eq!(message.ice_controlling(), Some(0x932f_f9b1_5126_3b36));
    assert!(message.use_candidate());
    assert!(message.fingerprint_valid() && message.integrity_valid(&key()));
}

/// The type of a message, its twelve method bits around the two class bits.
#[test]
fn message_types() {
    for (message_type, class, method) in [
        (0x0001, Class::Request, Method::Binding),
        (0x0011, Class::Indication, Method::Binding),
        (0x0101, Class::Success, Method::Binding),
        (0x0111, Class::Error, Method::Binding),
        (0x0003, Class::Request, Method::Other(3)),
        (0x0017, Class::Indication, Method::Other(7)),
        (0x0021, Class::Request, Method::Other(0x11)),
        (0x0201, Class::Request, Method::Other(0x81)),
        (0x3fff, Class::Error, Method::Other(0xfff)),
    ] {
        let mut bytes = check();
        bytes[..2].copy_from_slice(&u16::to_be_bytes(message_type));
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(
            (message.class(), message.method()),
            (class, method),
            "{message_type:#06x}"
        );
    }
}

#[test]
fn malformed_messages() {
    let changed = |offset: usize, bytes: &[u8]| {
        let mut message = check();
        message[offset..offset + bytes.len()].copy_from_slice(bytes);
        message
    };
    let mut odd = check();
    odd.extend_from_slice(&[0, 0]);
    let odd_len = (odd.len() - HEADER_LEN) as u16;
    odd[2..4].copy_from_slice(&odd_len.to_be_bytes());
    for (case, bytes, error) in [
        ("empty", Vec::new(), StunError::TooShort),
        ("19 bytes", check()[..19].to_vec(), StunError::TooShort),
        ("too long", vec![0; MAX_MESSAGE_LEN + 1], StunError::TooLong),
        ("first bits", changed(0, &[0x80]), StunError::NotStun),
        ("cookie", changed(7, &[0x43]), StunError::NotStun),
        ("length too small", changed(2, &[0, 4]), StunError::Length),
        (
            "length too large",
            changed(2, &[0xff, 0xfc]),
            StunError::Length,
        ),
        ("length not of four", odd, StunError::Length),
        (
            "attribute over the end",
            changed(22, &[0xff, 0xff]),
            StunError::Attribute,
        ),
        (
            "short priority",
            message(&[(attribute::PRIORITY, vec![1; 3])]),
            StunError::Attribute,
        ),
        (
            "long priority",
            message(&[(attribute::PRIORITY, vec![1; 5])]),
            StunError::Attribute,
        ),
        (
            "use-candidate with a value",
            message(&[(attribute::USE_CANDIDATE, vec![1])]),
            StunError::Attribute,
        ),
        (
            "short tie-breaker",
            message(&[(attribute::ICE_CONTROLLING, vec![1; 4])]),
            StunError::Attribute,
        ),
        (
            "short integrity",
            message(&[(attribute::MESSAGE_INTEGRITY, vec![1; 16])]),
            StunError::Attribute,
        ),
        (
            "short fingerprint",
            message(&[(attribute::FINGERPRINT, vec![1; 3])]),
            StunError::Attribute,
        ),
    ] {
        assert_eq!(Message::parse(&bytes).map(|_| ()), Err(error), "{case}");
    }
}

#[test]
fn header_alone_is_a_message() {
    let mut bytes = check()[..HEADER_LEN].to_vec();
    bytes[2..4].fill(0);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.username(), None);
    assert!(!message.fingerprint_valid() && !message.integrity_valid(&key()));
}

#[test]
fn first_of_a_repeated_attribute_counts() {
    let bytes = message(&[
        (attribute::USERNAME, b"first".to_vec()),
        (attribute::USERNAME, b"second".to_vec()),
        (attribute::PRIORITY, vec![0, 0, 0, 1]),
        (attribute::PRIORITY, vec![0, 0, 0, 2]),
    ]);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(
        (message.username(), message.priority()),
        (Some("first"), Some(1))
    );
    assert!(message.integrity_valid(&key()));
}

/// What follows MESSAGE-INTEGRITY could be added by anybody on the way.
#[test]
fn attributes_after_integrity_are_passed_over() {
    let mut out = Vec::new();
    let mut writer = Writer::new(Class::Request, TX, &mut out);
    writer.attribute(attribute::USERNAME, &[b"evtj:h6vY"]);
    let tag = key().tag(&out, out.len()).unwrap();
    let mut writer = Writer::resume(&mut out);
    writer.attribute(attribute::MESSAGE_INTEGRITY, &[tag.as_ref()]);
    writer.attribute(attribute::USE_CANDIDATE, &[]);
    writer.attribute(0x7777, &[]);
    writer.finish(None);
    let message = Message::parse(&out).unwrap();
    assert!(message.fingerprint_valid() && message.integrity_valid(&key()));
    assert!(!message.use_candidate());
    assert!(message.unknown_attributes().is_empty());
}

#[test]
fn fingerprint_must_be_last() {
    let mut out = check();
    Writer::resume(&mut out).finish(None);
    let message = Message::parse(&out).unwrap();
    assert!(!message.fingerprint_valid());
    assert!(message.integrity_valid(&key()));
}

#[test]
fn unknown_attributes_are_told() {
    let kinds = [0x7fff, 0x8001, 0x0002, 0xc057, 0x0030, 0x0031, 0x0032];
    let attributes: Vec<_> = kinds.iter().map(|kind| (*kind, Vec::new())).collect();
    let bytes = message(&attributes);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(
        message.unknown_attributes(),
        [0x7fff, 0x0002, 0x0030, 0x0031]
    );

    let mut reply = Vec::new();
    write_unknown_attributes(TX, message.unknown_attributes(), &key(), &mut reply);
    let reply = Message::parse(&reply).unwrap();
    assert_eq!(reply.error_code(), Some(420));
    assert!(reply.fingerprint_valid() && reply.integrity_valid(&key()));
}

#[test]
fn odd_values_are_none() {
    for (kind, value) in [
        (attribute::USERNAME, vec![0xff, 0xfe]),
        (attribute::XOR_MAPPED_ADDRESS, vec![]),
        (attribute::XOR_MAPPED_ADDRESS, vec![0, 1, 0, 0, 1, 2, 3]),
        (attribute::XOR_MAPPED_ADDRESS, vec![0, 2, 0, 0, 1, 2, 3, 4]),
        (attribute::XOR_MAPPED_ADDRESS, vec![0, 3, 0, 0, 1, 2, 3, 4]),
        (attribute::ERROR_CODE, vec![0, 0, 4]),
        (attribute::ERROR_CODE, vec![0, 0, 2, 0]),
        (attribute::ERROR_CODE, vec![0, 0, 7, 0]),
        (attribute::ERROR_CODE, vec![0, 0, 4, 100]),
    ] {
        let bytes = message(&[(kind, value.clone())]);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.username(), None, "{kind:#06x} {value:?}");
        assert_eq!(message.receiver_ufrag(), None);
        assert_eq!(message.xor_mapped_address(), None, "{kind:#06x} {value:?}");
        assert_eq!(message.error_code(), None, "{kind:#06x} {value:?}");
    }
}

#[test]
fn any_password_makes_a_key() {
    for password in [
        String::new(),
        "x".repeat(64),
        "x".repeat(65),
        "x".repeat(10_000),
    ] {
        let key = IntegrityKey::new(&password);
        let mut out = Vec::new();
        write_binding_error(TX, 400, Some(&key), &mut out);
        assert!(Message::parse(&out).unwrap().integrity_valid(&key));
    }
}

#[test]
fn nothing_secret_is_shown() {
    let bytes = check();
    let shown = format!("{:?} {:?}", Message::parse(&bytes).unwrap(), key());
    assert_eq!(
        shown,
        format!(
            "Message(Binding Request, {} bytes) IntegrityKey(..)",
            bytes.len()
        )
    );
}
