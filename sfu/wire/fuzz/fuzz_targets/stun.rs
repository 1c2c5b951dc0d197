//! STUN: any datagram, and any datagram as a check that an ICE agent receives.
#![no_main]

use std::net::SocketAddr;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use venterom_wire::ice::{Agent, Credentials, Outcome};
use venterom_wire::stun::{BindingRequest, IntegrityKey, Message, TransactionId};
use venterom_wire::time::Time;
use venterom_wire::tuple::{Protocol, Tuple};

const PASSWORD: &str = "a password of 22 chars";
static KEY: LazyLock<IntegrityKey> = LazyLock::new(|| IntegrityKey::new(PASSWORD));

fn exhaust(datagram: &[u8]) {
    let Ok(message) = Message::parse(datagram) else {
        return;
    };
    let _ = (message.class(), message.method(), message.transaction());
    let _ = (
        message.username(),
        message.receiver_ufrag(),
        message.priority(),
    );
    let _ = (
        message.use_candidate(),
        message.ice_controlling(),
        message.ice_controlled(),
    );
    let _ = (message.fingerprint_valid(), message.integrity_valid(&KEY));
    let _ = (message.xor_mapped_address(), message.error_code());
    let credentials = Credentials {
        ufrag: "local".to_owned(),
        pwd: PASSWORD.to_owned(),
    };
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let tuple = Tuple {
        protocol: Protocol::Udp,
        local: address,
        remote: address,
    };
    let mut agent = Agent::new(credentials, "remote".to_owned());
    let mut out = Vec::new();
    let outcome = agent.receive(Time::ZERO, tuple, &message, &mut out);
    // No amplification: only who knows the password gets more back than it sent.
    if !matches!(outcome, Outcome::Answered(_)) {
        assert!(out.len() <= datagram.len());
        assert!(!agent.is_validated(tuple));
    }
}

fuzz_target!(|data: &[u8]| {
    exhaust(data);
    // The same bytes laid over a valid request, which they damage here and there.
    let request = BindingRequest {
        transaction: TransactionId([7; 12]),
        username: "local:remote",
        priority: 1,
        controlling: Some(1),
        controlled: None,
        use_candidate: true,
    };
    let mut valid = Vec::new();
    request.write(&KEY, &mut valid);
    for change in data.chunks_exact(2) {
        let index = usize::from(change[0]) % valid.len();
        valid[index] ^= change[1];
    }
    exhaust(&valid);
});
