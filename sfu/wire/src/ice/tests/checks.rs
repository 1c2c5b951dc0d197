//! What is answered, what is refused, and what hears nothing.

use super::*;
use crate::stun::{Class, Writer};

/// Messages that prove nothing, and why they are dropped.
fn unproven() -> Vec<(&'static str, Vec<u8>, DropReason)> {
    let good = written(request(OLD.0, true), OLD.1);
    let mut no_fingerprint = good[..good.len() - 8].to_vec();
    no_fingerprint[3] -= 8;
    let mut bad_fingerprint = good.clone();
    *bad_fingerprint.last_mut().unwrap() ^= 1;
    let plain = |class: Class, username: Option<&str>, key: Option<&str>| {
        let mut out = Vec::new();
        let mut writer = Writer::new(class, TransactionId([7; 12]), &mut out);
        if let Some(username) = username {
            writer.attribute(0x0006, &[username.as_bytes()]);
        }
        writer.finish(key.map(IntegrityKey::new).as_ref());
        out
    };
    // The type of a message is covered by the fingerprint, but is looked at before.
    let mut other_method = good.clone();
    other_method[1] = 3;
    vec![
        (
            "wrong password",
            written(request(OLD.0, true), "guess"),
            DropReason::Integrity,
        ),
        (
            "no integrity",
            plain(Class::Request, Some(OLD.0), None),
            DropReason::Integrity,
        ),
        ("no fingerprint", no_fingerprint, DropReason::Fingerprint),
        ("bad fingerprint", bad_fingerprint, DropReason::Fingerprint),
        (
            "no username",
            plain(Class::Request, None, Some(OLD.1)),
            DropReason::Username,
        ),
        (
            "unknown ufrag",
            written(request("other:clientOld", true), OLD.1),
            DropReason::Username,
        ),
        (
            "wrong client",
            written(request("oldUfrag:other", true), OLD.1),
            DropReason::Username,
        ),
        (
            "no client",
            written(request("oldUfrag:", true), OLD.1),
            DropReason::Username,
        ),
        (
            "no colon",
            written(request("oldUfrag", true), OLD.1),
            DropReason::Username,
        ),
        (
            "mixed generations",
            written(request("oldUfrag:clientNew", true), OLD.1),
            DropReason::Username,
        ),
        (
            "longer",
            written(request("oldUfrag:clientOld2", true), OLD.1),
            DropReason::Username,
        ),
        (
            "indication",
            plain(Class::Indication, Some(OLD.0), Some(OLD.1)),
            DropReason::NotACheck,
        ),
        (
            "success",
            plain(Class::Success, Some(OLD.0), Some(OLD.1)),
            DropReason::NotACheck,
        ),
        (
            "error",
            plain(Class::Error, Some(OLD.0), Some(OLD.1)),
            DropReason::NotACheck,
        ),
        ("other method", other_method, DropReason::NotACheck),
    ]
}

#[test]
fn who_proves_nothing_hears_nothing_in_any_state() {
    for state in STATES {
        for (case, bytes, reason) in unproven() {
            for on in ['A', 'C'] {
                let mut agent = in_state(state);
                let before = (shown(&agent), agent.next_timeout());
                let (outcome, out) = receive(&mut agent, INPUT, tuple(on), &bytes);
                assert_eq!(outcome, Outcome::Dropped(reason), "{state:?}: {case}");
                assert!(out.is_empty(), "{state:?}: {case}");
                assert_eq!(
                    (shown(&agent), agent.next_timeout()),
                    before,
                    "{state:?}: {case}"
                );
            }
        }
    }
}

/// The passwords of two generations are not mixed either.
#[test]
fn each_username_has_its_own_password() {
    let mut agent = in_state(State::NominatedRestarting);
    for (username, password) in [(OLD.0, NEW.1), (NEW.0, OLD.1)] {
        let (outcome, out) = receive(
            &mut agent,
            INPUT,
            tuple('A'),
            &written(request(username, true), password),
        );
        assert_eq!(outcome, Outcome::Dropped(DropReason::Integrity));
        assert!(out.is_empty());
    }
}

#[test]
fn the_reply_tells_the_client_its_address() {
    for (remote, told) in [
        ("198.51.100.7:40000", "198.51.100.7:40000"),
        ("[2001:db8::7]:40000", "[2001:db8::7]:40000"),
        ("[::ffff:198.51.100.7]:40000", "198.51.100.7:40000"),
    ] {
        let tuple = Tuple {
            protocol: Protocol::Udp,
            local: "[::]:3478".parse().unwrap(),
            remote: remote.parse().unwrap(),
        };
        let (outcome, out) = receive(
            &mut agent(),
            START,
            tuple,
            &written(request(OLD.0, false), OLD.1),
        );
        assert!(answered(outcome).newly_validated);
        let reply = Message::parse(&out).unwrap();
        assert_eq!(
            (reply.class(), reply.transaction()),
            (Class::Success, TransactionId([7; 12]))
        );
        assert_eq!(reply.xor_mapped_address(), told.parse().ok());
        assert!(reply.fingerprint_valid() && reply.integrity_valid(&IntegrityKey::new(OLD.1)));
    }
}

/// After a restart each check is answered with the password of its own generation.
#[test]
fn replies_are_signed_by_their_generation() {
    for generation in [OLD, NEW] {
        let bytes = written(request(generation.0, false), generation.1);
        let (_, out) = receive(
            &mut in_state(State::NominatedRestarting),
            INPUT,
            tuple('A'),
            &bytes,
        );
        assert!(
            Message::parse(&out)
                .unwrap()
                .integrity_valid(&IntegrityKey::new(generation.1))
        );
    }
}

/// A request with these attributes behind its USERNAME.
fn with_attributes(username: &str, password: &str, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(Class::Request, TransactionId([7; 12]), &mut out);
    writer.attribute(0x0006, &[username.as_bytes()]);
    for (kind, value) in attributes {
        writer.attribute(*kind, &[value]);
    }
    writer.finish(Some(&IntegrityKey::new(password)));
    out
}

#[test]
fn faults_are_told_in_no_more_bytes_than_came() {
    const CONTROLLED: u16 = 0x8029;
    const CONTROLLING: u16 = 0x802a;
    let short = Credentials {
        ufrag: "a".to_owned(),
        pwd: OLD.1.to_owned(),
    };
    for (attributes, code) in [
        (&[(CONTROLLED, &[0; 8][..])][..], Some(487)),
        (&[(CONTROLLED, &[0; 8]), (CONTROLLING, &[0; 8])], Some(400)),
        (&[(0x7fff, &[0; 4])], Some(420)),
        (&[(0x7fff, &[]), (0x7ffe, &[])], Some(420)),
        (&[(0x7fff, &[0; 4]), (CONTROLLED, &[0; 8])], Some(420)),
        // The list of the one unknown attribute would take more room than the attribute did.
        (&[(0x7fff, &[])], None),
    ] {
        let mut agent = Agent::new(short.clone(), "b".to_owned());
        let bytes = with_attributes("a:b", OLD.1, attributes);
        let (outcome, out) = receive(&mut agent, START, tuple('A'), &bytes);
        assert!(out.len() <= bytes.len(), "{code:?}");
        match code {
            Some(code) => {
                assert_eq!(outcome, Outcome::Rejected);
                let reply = Message::parse(&out).unwrap();
                assert_eq!(reply.error_code(), Some(code));
                assert!(
                    reply.fingerprint_valid() && reply.integrity_valid(&IntegrityKey::new(OLD.1))
                );
            }
            None => assert_eq!(
                (outcome, out.len()),
                (Outcome::Dropped(DropReason::TooSmall), 0)
            ),
        }
        assert_eq!(shown(&agent), "-//a");
    }
}

/// Unknown attributes that need not be understood, and a missing role, are no fault.
#[test]
fn what_is_not_known_and_optional_is_accepted() {
    let bytes = with_attributes(OLD.0, OLD.1, &[(0xc057, &[0; 4]), (0x0025, &[])]);
    let mut agent = agent();
    assert!(answered(receive(&mut agent, START, tuple('A'), &bytes).0).selected_changed);
    assert_eq!(agent.selected(), Some(tuple('A')));
}
