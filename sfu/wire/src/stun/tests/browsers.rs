//! Checks that browsers sent, whole and damaged.

use super::properties::ask_everything;
use super::*;
use crate::captured::{STUN, damaged, datagrams};

#[test]
fn all_checks_of_browsers_are_read() {
    let mut nominating = 0;
    for datagram in datagrams(STUN) {
        let message = Message::parse(&datagram).unwrap();
        assert_eq!(
            (message.class(), message.method()),
            (Class::Request, Method::Binding)
        );
        let (receiver, sender) = message.username().unwrap().split_once(':').unwrap();
        assert_eq!(message.receiver_ufrag(), Some(receiver));
        assert!(!sender.is_empty());
        assert!(message.priority().is_some());
        assert!(message.ice_controlling().is_some());
        assert!(message.fingerprint_valid());
        nominating += usize::from(message.use_candidate());
    }
    assert!(nominating >= 2);
}

#[test]
fn one_damage_anywhere_is_survived_and_noticed() {
    for datagram in datagrams(STUN) {
        for bytes in damaged(&datagram) {
            if let Ok(message) = Message::parse(&bytes) {
                ask_everything(&message);
                assert!(!message.fingerprint_valid(), "{bytes:02x?}");
            }
        }
    }
}
