//! Nomination, consent, eviction and restart over time.

use super::*;

#[test]
fn nomination_moves_at_any_time() {
    let mut agent = agent();
    for (step, on) in ['A', 'B', 'A', 'C', 'C', 'B'].into_iter().enumerate() {
        let now = START + Duration::from_secs(step as u64);
        let before = agent.selected();
        let answered = answered(check(&mut agent, now, tuple(on), OLD, true));
        assert_eq!(answered.selected_changed, before != Some(tuple(on)));
        assert_eq!(agent.selected(), Some(tuple(on)));
    }
}

#[test]
fn consent_lasts_while_requests_come() {
    let mut agent = agent();
    assert_eq!(
        (agent.next_timeout(), agent.handle_timeout(START)),
        (None, None)
    );
    let mut now = START;
    for _ in 0..100 {
        check(&mut agent, now, tuple('A'), OLD, true);
        assert_eq!(agent.next_timeout(), Some(now + CONSENT_TIMEOUT));
        assert_eq!(
            agent.handle_timeout(now + CONSENT_TIMEOUT - Duration::from_micros(1)),
            None
        );
        now = now + Duration::from_secs(5);
    }
    let last = now - Duration::from_secs(5);
    assert_eq!(
        agent.handle_timeout(last + CONSENT_TIMEOUT),
        Some(ConsentChange::Lost)
    );
    assert_eq!((agent.selected(), agent.next_timeout()), (None, None));
    assert_eq!(
        agent.handle_timeout(last + CONSENT_TIMEOUT * 2),
        None,
        "lost once"
    );
    assert!(agent.is_validated(tuple('A')));

    let back = answered(check(
        &mut agent,
        last + CONSENT_TIMEOUT * 3,
        tuple('A'),
        OLD,
        true,
    ));
    let expected = Answered {
        selected_changed: true,
        consent_regained: true,
        ..Answered::default()
    };
    assert_eq!(back, expected);
    assert_eq!(agent.next_timeout(), Some(last + CONSENT_TIMEOUT * 4));
}

/// The client's address changed on the way and it does not nominate again.
#[test]
fn media_follows_the_tuple_that_is_alive() {
    let mut agent = agent();
    check(&mut agent, START, tuple('A'), OLD, true);
    let (b, c) = (
        START + Duration::from_secs(10),
        START + Duration::from_secs(20),
    );
    check(&mut agent, b, tuple('B'), OLD, false);
    check(&mut agent, c, tuple('C'), OLD, false);
    assert_eq!(agent.selected(), Some(tuple('A')));
    assert_eq!(agent.next_timeout(), Some(START + CONSENT_TIMEOUT));
    assert_eq!(
        agent.handle_timeout(START + CONSENT_TIMEOUT),
        Some(ConsentChange::Moved)
    );
    assert_eq!(agent.selected(), Some(tuple('C')));
    assert_eq!(agent.next_timeout(), Some(c + CONSENT_TIMEOUT));
    assert_eq!(
        agent.handle_timeout(c + CONSENT_TIMEOUT),
        Some(ConsentChange::Lost)
    );
}

#[test]
fn a_clock_that_stands_or_falls_back_loses_nothing() {
    let mut agent = agent();
    check(&mut agent, START, tuple('A'), OLD, true);
    check(&mut agent, Time::ZERO, tuple('A'), OLD, true);
    assert_eq!(agent.next_timeout(), Some(START + CONSENT_TIMEOUT));
}

#[test]
fn the_stalest_unselected_tuple_makes_room() {
    let mut agent = agent();
    let names: Vec<char> = ('A'..='Z').collect();
    for (step, on) in names.iter().take(MAX_TUPLES).enumerate() {
        let now = START + Duration::from_millis(step as u64);
        let answered = answered(check(&mut agent, now, tuple(*on), OLD, *on == 'A'));
        assert_eq!((answered.newly_validated, answered.evicted), (true, None));
    }
    // B is heard again; A is selected: C is the stalest that may go.
    check(
        &mut agent,
        START + Duration::from_secs(1),
        tuple('B'),
        OLD,
        false,
    );
    let z = answered(check(
        &mut agent,
        START + Duration::from_secs(2),
        tuple('Z'),
        OLD,
        false,
    ));
    assert_eq!(
        (z.newly_validated, z.evicted, z.selected_changed),
        (true, Some(tuple('C')), false)
    );
    assert!(!agent.is_validated(tuple('C')));
    // When the newcomer is nominated the old one is not selected any more, and may go.
    let y = answered(check(
        &mut agent,
        START + Duration::from_secs(3),
        tuple('Y'),
        OLD,
        true,
    ));
    assert_eq!((y.evicted, y.selected_changed), (Some(tuple('A')), true));
    assert_eq!(
        (agent.tuples().count(), agent.selected()),
        (MAX_TUPLES, Some(tuple('Y')))
    );
}

#[test]
fn an_unused_restart_is_replaced() {
    let mut agent = in_state(State::Nominated);
    agent.restart(
        Credentials {
            ufrag: "x".to_owned(),
            pwd: "x".to_owned(),
        },
        "x".to_owned(),
    );
    restart(&mut agent);
    assert_eq!(
        agent.local_ufrags().collect::<Vec<_>>(),
        ["oldUfrag", "newUfrag"]
    );
    assert_eq!(
        check(&mut agent, INPUT, tuple('A'), ("x:x", "x"), true),
        Outcome::Dropped(DropReason::Username)
    );
    assert!(answered(check(&mut agent, INPUT, tuple('C'), NEW, true)).restarted);
    // The old credentials are gone, and another restart begins from the new ones.
    assert_eq!(
        check(&mut agent, INPUT, tuple('A'), OLD, true),
        Outcome::Dropped(DropReason::Username)
    );
    assert!(!answered(check(&mut agent, INPUT, tuple('C'), NEW, true)).restarted);
}

#[test]
fn nothing_secret_is_shown() {
    let agent = in_state(State::Nominated);
    let shown = format!("{agent:?} {:?} {:?}", credentials(OLD).0, agent.selected());
    assert_eq!(shown, "Agent(2 tuples) Credentials(..) Some(Tuple(..))");
}

/// The client's only connection breaks, and it makes another one.
#[test]
fn a_closed_connection_leaves_consent_running_and_the_next_check_is_followed() {
    let mut agent = agent();
    check(&mut agent, START, tuple('A'), OLD, true);
    let closed = START + Duration::from_secs(5);
    assert!(!agent.close(closed, tuple('A')));
    assert_eq!(agent.selected(), Some(tuple('A')));
    let mut silent = in_state(State::First);
    silent.close(INPUT, tuple('A'));
    assert_eq!(
        silent.handle_timeout(INPUT + CONSENT_TIMEOUT),
        Some(ConsentChange::Lost)
    );
    let back = answered(check(&mut agent, closed, tuple('B'), OLD, false));
    assert!(back.selected_changed && !back.consent_regained);
    assert_eq!(agent.selected(), Some(tuple('B')));
}

/// Of two ways the one that is closed is left at once, unless the other went silent long ago.
#[test]
fn media_leaves_a_closed_connection_for_a_way_with_consent() {
    for (seconds, moves) in [(29, true), (30, false)] {
        let mut agent = agent();
        check(&mut agent, START, tuple('B'), OLD, false);
        let now = START + Duration::from_secs(seconds);
        check(&mut agent, now, tuple('A'), OLD, true);
        assert_eq!(agent.close(now, tuple('A')), moves);
        let selected = if moves { 'B' } else { 'A' };
        assert_eq!(agent.selected(), Some(tuple(selected)));
    }
}
