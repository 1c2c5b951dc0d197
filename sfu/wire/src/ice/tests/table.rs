//! The whole product of states and inputs.

use super::*;

#[derive(Clone, Copy, Debug)]
enum Input {
    /// A check on this tuple with these credentials.
    Check(char, (&'static str, &'static str)),
    /// The same with USE-CANDIDATE.
    Nominate(char, (&'static str, &'static str)),
    /// An authentic request that claims the controlled role.
    Controlled,
    /// The consent time-out after the last request.
    Timeout,
    Restart,
    /// The connection of this tuple was closed.
    Close(char),
}

/// What the input did, then the state after it. Flags: newly validated, selected changed, restarted, consent regained.
fn apply(agent: &mut Agent, input: Input) -> String {
    let outcome = match input {
        Input::Check(on, generation) => check(agent, INPUT, tuple(on), generation, false),
        Input::Nominate(on, generation) => check(agent, INPUT, tuple(on), generation, true),
        Input::Controlled => {
            let controlled = BindingRequest {
                controlling: None,
                controlled: Some(1),
                ..request(OLD.0, true)
            };
            receive(agent, INPUT, tuple('C'), &written(controlled, OLD.1)).0
        }
        Input::Timeout => {
            let change = agent.handle_timeout(INPUT + CONSENT_TIMEOUT);
            return format!(
                "{} {}",
                change.map_or("nothing".to_owned(), |change| format!("{change:?}")),
                shown(agent)
            );
        }
        Input::Restart => {
            restart(agent);
            return shown(agent);
        }
        Input::Close(on) => {
            let moved = agent.close(INPUT, tuple(on));
            return format!("{} {}", if moved { "moved" } else { "stays" }, shown(agent));
        }
    };
    let outcome = match outcome {
        Outcome::Answered(answered) => {
            assert_eq!(answered.evicted, None);
            [
                (answered.newly_validated, 'n'),
                (answered.selected_changed, 's'),
                (answered.restarted, 'r'),
                (answered.consent_regained, 'c'),
            ]
            .iter()
            .map(|(set, letter)| if *set { *letter } else { '.' })
            .collect()
        }
        Outcome::Rejected => "rejected".to_owned(),
        Outcome::Dropped(reason) => format!("{reason:?}"),
    };
    format!("{outcome} {}", shown(agent))
}

/// The whole product of states and inputs of those who know the password.
#[test]
#[rustfmt::skip]
fn states_by_inputs() {
    use Input::{Check, Close, Controlled, Nominate, Restart, Timeout};
    // One column a state, in the order of STATES: those without a restart, then those with one.
    let table: [(Input, [&str; 4], [&str; 3]); 15] = [
        //                    New              First             Nominated          Lost
        //                    NewRestarting    NominatedRestarting  LostRestarting
        (Close('A'),         ["stays -//o",    "stays A/A/o",    "moved B/B/o",     "stays -/B/o"],
                             ["stays -//on",   "moved B/B/on",      "stays -/B/on"]),
        (Close('B'),         ["stays -//o",    "stays A/A/o",    "stays A/A/o",     "stays -/A/o"],
                             ["stays -//on",   "stays A/A/on",      "stays -/A/on"]),
        (Check('A', OLD),    ["ns.. A/A/o",    ".... A/A/o",     ".... A/AB/o",     ".s.c A/AB/o"],
                             ["ns.. A/A/on",   ".... A/AB/on",      ".s.c A/AB/on"]),
        (Check('B', OLD),    ["ns.. B/B/o",    "n... A/AB/o",    ".... A/AB/o",     ".s.c B/AB/o"],
                             ["ns.. B/B/on",   ".... A/AB/on",      ".s.c B/AB/on"]),
        (Check('C', OLD),    ["ns.. C/C/o",    "n... A/AC/o",    "n... A/ABC/o",    "ns.c C/ABC/o"],
                             ["ns.. C/C/on",   "n... A/ABC/on",     "ns.c C/ABC/on"]),
        (Nominate('A', OLD), ["ns.. A/A/o",    ".... A/A/o",     ".... A/AB/o",     ".s.c A/AB/o"],
                             ["ns.. A/A/on",   ".... A/AB/on",      ".s.c A/AB/on"]),
        (Nominate('B', OLD), ["ns.. B/B/o",    "ns.. B/AB/o",    ".s.. B/AB/o",     ".s.c B/AB/o"],
                             ["ns.. B/B/on",   ".s.. B/AB/on",      ".s.c B/AB/on"]),
        (Nominate('C', OLD), ["ns.. C/C/o",    "ns.. C/AC/o",    "ns.. C/ABC/o",    "ns.c C/ABC/o"],
                             ["ns.. C/C/on",   "ns.. C/ABC/on",     "ns.c C/ABC/on"]),
        (Check('A', NEW),    ["Username -//o", "Username A/A/o", "Username A/AB/o", "Username -/AB/o"],
                             ["nsr. A/A/n",    "..r. A/A/n",        ".src A/A/n"]),
        (Check('B', NEW),    ["Username -//o", "Username A/A/o", "Username A/AB/o", "Username -/AB/o"],
                             ["nsr. B/B/n",    ".sr. B/B/n",        ".src B/B/n"]),
        (Check('C', NEW),    ["Username -//o", "Username A/A/o", "Username A/AB/o", "Username -/AB/o"],
                             ["nsr. C/C/n",    "nsr. C/C/n",        "nsrc C/C/n"]),
        (Nominate('B', NEW), ["Username -//o", "Username A/A/o", "Username A/AB/o", "Username -/AB/o"],
                             ["nsr. B/B/n",    ".sr. B/B/n",        ".src B/B/n"]),
        (Controlled,         ["rejected -//o", "rejected A/A/o", "rejected A/AB/o", "rejected -/AB/o"],
                             ["rejected -//on","rejected A/AB/on",  "rejected -/AB/on"]),
        (Timeout,            ["nothing -//o",  "Lost -/A/o",     "Lost -/AB/o",     "nothing -/AB/o"],
                             ["nothing -//on", "Lost -/AB/on",      "nothing -/AB/on"]),
        (Restart,            ["-//on",         "A/A/on",         "A/AB/on",         "-/AB/on"],
                             ["-//on",         "A/AB/on",           "-/AB/on"]),
    ];
    for (input, settled, restarting) in table {
        for (state, expected) in STATES.into_iter().zip(settled.into_iter().chain(restarting)) {
            assert_eq!(apply(&mut in_state(state), input), expected, "{state:?} x {input:?}");
        }
    }
}
