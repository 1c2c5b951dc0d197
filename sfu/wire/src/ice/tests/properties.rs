//! What holds for any sequence of inputs and any bytes.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Check { on: u8, new: bool, nominate: bool },
    Restart,
    Timeout,
}

fn step() -> impl Strategy<Value = (u64, Step)> {
    let step = prop_oneof![
        8 => (b'A'..=b'Z', any::<bool>(), any::<bool>())
            .prop_map(|(on, new, nominate)| Step::Check { on, new, nominate }),
        1 => Just(Step::Restart),
        1 => Just(Step::Timeout),
    ];
    (0_u64..20_000_000, step)
}

proptest! {
    /// Whatever comes, in whatever order: the tuples are bounded and told, the selected one is among them, and there
    /// is a deadline exactly while one is selected.
    #[test]
    fn what_always_holds(steps in proptest::collection::vec(step(), 0..80)) {
        let mut agent = agent();
        let mut now = START;
        let mut told: Vec<Tuple> = Vec::new();
        for (micros, step) in steps {
            now = now + Duration::from_micros(micros);
            match step {
                Step::Check { on, new, nominate } => {
                    let on = tuple(char::from(on));
                    let before = agent.selected();
                    let generation = if new { NEW } else { OLD };
                    if let Outcome::Answered(answered) = check(&mut agent, now, on, generation, nominate) {
                        prop_assert_eq!(answered.newly_validated, !told.contains(&on));
                        prop_assert_eq!(answered.selected_changed, before != agent.selected());
                        if answered.restarted {
                            told.clear();
                        }
                        told.retain(|tuple| Some(*tuple) != answered.evicted && *tuple != on);
                        told.push(on);
                        prop_assert!(!nominate || agent.selected() == Some(on));
                    }
                }
                Step::Restart => restart(&mut agent),
                Step::Timeout => {
                    let before = agent.selected();
                    let change = agent.handle_timeout(now);
                    prop_assert_eq!(change.is_some(), before != agent.selected());
                    prop_assert!(agent.next_timeout().is_none_or(|at| at > now));
                }
            }
            let mut tuples: Vec<Tuple> = agent.tuples().collect();
            tuples.sort_unstable();
            told.sort_unstable();
            prop_assert_eq!(&tuples, &told);
            prop_assert!(tuples.len() <= MAX_TUPLES);
            prop_assert!(agent.selected().is_none_or(|tuple| agent.is_validated(tuple)));
            prop_assert_eq!(agent.selected().is_some(), agent.next_timeout().is_some());
            prop_assert!((1..=2).contains(&agent.local_ufrags().count()));
        }
    }

    /// Arbitrary bytes in the frame of a message, and valid requests with changed bytes, are never answered.
    #[test]
    fn mutations_are_never_answered(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..5),
        restarting: bool,
    ) {
        let good = written(request(OLD.0, true), OLD.1);
        let mut bytes = good.clone();
        for (offset, change) in changes {
            let offset = offset.index(bytes.len());
            bytes[offset] ^= change;
        }
        prop_assume!(bytes != good);
        let mut agent = in_state(if restarting { State::NominatedRestarting } else { State::Nominated });
        if let Ok(message) = Message::parse(&bytes) {
            let mut out = Vec::new();
            let outcome = agent.receive(INPUT, tuple('C'), &message, &mut out);
            prop_assert!(matches!(outcome, Outcome::Dropped(_)), "{:?}", outcome);
            prop_assert!(out.is_empty());
        }
        prop_assert!(!agent.is_validated(tuple('C')));
    }
}
