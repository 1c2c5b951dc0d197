//! Tests of the agent; here what they share.

mod checks;
mod lifetime;
mod properties;
mod table;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use super::*;
use crate::stun::{BindingRequest, IntegrityKey, Message, TransactionId};
use crate::time::Time;
use crate::tuple::Protocol;

const OLD: (&str, &str) = ("oldUfrag:clientOld", "old password of the server");
const NEW: (&str, &str) = ("newUfrag:clientNew", "new password of the server");
const START: Time = Time::from_micros(1_000_000);

fn credentials((username, password): (&str, &str)) -> (Credentials, String) {
    let (ufrag, remote) = username.split_once(':').unwrap();
    (
        Credentials {
            ufrag: ufrag.to_owned(),
            pwd: password.to_owned(),
        },
        remote.to_owned(),
    )
}

fn agent() -> Agent {
    let (local, remote) = credentials(OLD);
    Agent::new(local, remote)
}

fn restart(agent: &mut Agent) {
    let (local, remote) = credentials(NEW);
    agent.restart(local, remote);
}

/// The tuples of the tests are named by a letter, which is in the client's port.
fn tuple(name: char) -> Tuple {
    Tuple {
        protocol: Protocol::Udp,
        local: SocketAddr::from(([192, 0, 2, 1], 3478)),
        remote: SocketAddr::from(([198, 51, 100, 7], name as u16)),
    }
}

fn name(tuple: Tuple) -> char {
    char::from(tuple.remote.port() as u8)
}

fn request(username: &str, use_candidate: bool) -> BindingRequest<'_> {
    BindingRequest {
        transaction: TransactionId([7; 12]),
        username,
        priority: 1,
        controlling: Some(1),
        controlled: None,
        use_candidate,
    }
}

fn written(request: BindingRequest<'_>, password: &str) -> Vec<u8> {
    let mut out = Vec::new();
    request.write(&IntegrityKey::new(password), &mut out);
    out
}

fn receive(agent: &mut Agent, now: Time, tuple: Tuple, bytes: &[u8]) -> (Outcome, Vec<u8>) {
    let mut out = Vec::new();
    let outcome = agent.receive(now, tuple, &Message::parse(bytes).unwrap(), &mut out);
    (outcome, out)
}

/// A check with `generation`'s credentials, as it should be.
fn check(
    agent: &mut Agent,
    now: Time,
    tuple: Tuple,
    generation: (&str, &str),
    use_candidate: bool,
) -> Outcome {
    receive(
        agent,
        now,
        tuple,
        &written(request(generation.0, use_candidate), generation.1),
    )
    .0
}

fn answered(outcome: Outcome) -> Answered {
    match outcome {
        Outcome::Answered(answered) => answered,
        other => panic!("{other:?}"),
    }
}

/// "selected/validated tuples/ufrags by first letter".
fn shown(agent: &Agent) -> String {
    let mut text = String::new();
    let mut tuples: Vec<char> = agent.tuples().map(name).collect();
    tuples.sort_unstable();
    let _ = write!(text, "{}/", agent.selected().map_or('-', name));
    text.extend(tuples);
    text.push('/');
    text.extend(
        agent
            .local_ufrags()
            .filter_map(|ufrag| ufrag.chars().next()),
    );
    text
}

#[derive(Clone, Copy, Debug)]
enum State {
    New,
    /// Checked on A, nominated nothing.
    First,
    /// A nominated, B validated.
    Nominated,
    /// Consent lost after `Nominated`.
    Lost,
    /// Each of them after `restart`.
    NewRestarting,
    NominatedRestarting,
    LostRestarting,
}

const STATES: [State; 7] = [
    State::New,
    State::First,
    State::Nominated,
    State::Lost,
    State::NewRestarting,
    State::NominatedRestarting,
    State::LostRestarting,
];

/// When the input of a table comes: before consent of anything runs out, save after `Lost`.
const INPUT: Time = Time::from_micros(40_000_000);

fn in_state(state: State) -> Agent {
    let mut agent = agent();
    // Consent of what is checked at this moment lasts beyond INPUT.
    let checked = INPUT - Duration::from_secs(10);
    match state {
        State::New => {}
        State::First => {
            check(&mut agent, checked, tuple('A'), OLD, false);
        }
        State::Nominated => {
            check(&mut agent, checked, tuple('B'), OLD, false);
            check(&mut agent, checked, tuple('A'), OLD, true);
        }
        State::Lost => {
            check(&mut agent, START, tuple('B'), OLD, false);
            check(&mut agent, START, tuple('A'), OLD, true);
            assert_eq!(
                agent.handle_timeout(START + CONSENT_TIMEOUT),
                Some(ConsentChange::Lost)
            );
        }
        State::NewRestarting => restart(&mut agent),
        State::NominatedRestarting => {
            agent = in_state(State::Nominated);
            restart(&mut agent);
        }
        State::LostRestarting => {
            agent = in_state(State::Lost);
            restart(&mut agent);
        }
    }
    agent
}
