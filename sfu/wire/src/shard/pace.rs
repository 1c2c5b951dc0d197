//! When the media thread looks again: at once when idle, in turns when busy.

use std::time::{Duration, Instant};

/// Above this many wake-ups a second the thread takes turns: a wake-up then costs more than the packets it brings.
const BUSY: u128 = 5_000;
/// In turns it wakes at most 2,000 times a second. So few as this mean that it would wake less than half of `BUSY` times
/// without them: a turn and then a wait of 0.4 ms for the next datagram.
const IDLE: u128 = 1_100;
const WINDOW: Duration = Duration::from_millis(100);
const TURN: Duration = Duration::from_micros(500);

pub(super) struct Pace {
    window: Instant,
    wakeups: u128,
    busy: bool,
    last: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            window: now,
            wakeups: 0,
            busy: false,
            last: now,
        }
    }

    /// How long the thread rests before it waits for something to do.
    pub(super) fn rest(&self, now: Instant) -> Option<Duration> {
        let passed = now.saturating_duration_since(self.last);
        TURN.checked_sub(passed)
            .filter(|left| self.busy && !left.is_zero())
    }

    /// Notes that there was something to do.
    pub(super) fn woken(&mut self, now: Instant) {
        self.last = now;
        self.wakeups += 1;
        let elapsed = now.saturating_duration_since(self.window);
        if elapsed >= WINDOW {
            let bound = if self.busy { IDLE } else { BUSY };
            self.busy = self.wakeups * 1_000_000 > bound * elapsed.as_micros();
            self.window = now;
            self.wakeups = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds in turns, and wake-ups a second, out of ten in which a datagram comes every `gap`.
    fn ten_seconds(gap: Duration) -> (f64, u64) {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let (mut now, mut next) = (start, start + gap);
        let (mut turns, mut wakeups) = (Duration::ZERO, 0);
        while now < start + Duration::from_secs(10) {
            if let Some(left) = pace.rest(now) {
                now += left;
                turns += TURN;
            }
            now = now.max(next);
            while next <= now {
                next += gap;
            }
            pace.woken(now);
            wakeups += 1;
        }
        (turns.as_secs_f64(), wakeups / 10)
    }

    #[test]
    fn it_is_woken_at_once_when_idle_and_stays_in_turns_when_busy() {
        assert_eq!(ten_seconds(Duration::from_millis(5)), (0.0, 200));
        assert_eq!(ten_seconds(Duration::from_micros(250)), (0.0, 4_000));
        for gap in [20, 50, 100, 150] {
            let (turns, wakeups) = ten_seconds(Duration::from_micros(gap));
            assert!(turns > 7.0 && wakeups < 3_000, "{gap} {turns} {wakeups}");
        }
    }

    #[test]
    fn it_leaves_turns_when_the_load_goes() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for n in 0..2_000 {
            pace.woken(start + Duration::from_micros(100 * n));
        }
        let now = start + Duration::from_millis(200);
        assert!(pace.rest(now).is_some());
        for n in 0..200 {
            pace.woken(now + Duration::from_millis(n));
        }
        assert_eq!(pace.rest(now + Duration::from_millis(199)), None);
    }
}
