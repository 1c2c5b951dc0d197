//! Wall-clock time as RTCP and abs-send-time write it, derived from the engine's own time.

use crate::time::Time;

/// NTP timestamps (RFC 5905: seconds in the upper, fraction in the lower 32 bits).
#[derive(Clone, Copy, Debug)]
pub struct NtpClock {
    at_zero: u64,
}

impl NtpClock {
    /// `at_zero` is the NTP timestamp of [`Time::ZERO`].
    pub fn new(at_zero: u64) -> Self {
        Self { at_zero }
    }

    pub fn at(self, now: Time) -> u64 {
        let micros = u128::from(now.as_micros());
        self.at_zero
            .wrapping_add(((micros << 32) / 1_000_000) as u64)
    }

    /// The 24 bits of abs-send-time: seconds in 6.18 fixed point.
    pub fn abs_send_time(self, now: Time) -> [u8; 3] {
        let [_, high, middle, low] = ((self.at(now) >> 14) as u32).to_be_bytes();
        [high, middle, low]
    }
}

/// Ticks of `clock_rate` in a span of NTP time, forward or back.
pub fn ticks(ntp_span: i64, clock_rate: u32) -> i64 {
    ((i128::from(ntp_span) * i128::from(clock_rate)) >> 32) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_a_second() {
        let clock = NtpClock::new(5 << 32);
        assert_eq!(
            clock.at(Time::from_micros(1_500_000)),
            (6 << 32) + (1 << 31)
        );
        assert_eq!(ticks(1 << 32, 48_000), 48_000);
        assert_eq!(ticks(-(1 << 31), 90_000), -45_000);
    }

    #[test]
    fn abs_send_time_is_6_18_fixed_point() {
        let clock = NtpClock::new(0);
        assert_eq!(
            clock.abs_send_time(Time::from_micros(1_000_000)),
            [0x04, 0, 0]
        );
        assert_eq!(
            clock.abs_send_time(Time::from_micros(64_500_000)),
            [0x02, 0, 0]
        );
    }
}
