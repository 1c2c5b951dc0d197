//! What a receiver report says of one SSRC (RFC 3550 section 6.4.1, appendix A).

use std::time::Duration;

use crate::rtcp::ReportBlock;
use crate::time::Time;

/// Counts of one received SSRC.
#[derive(Default)]
pub struct Reception {
    first: Option<u64>,
    highest: u64,
    received: u64,
    expected_before: u64,
    received_before: u64,
    /// Interarrival jitter in timestamp units, scaled by 16 as in RFC 3550 A.8.
    jitter: u32,
    transit: Option<u32>,
    sender_report: Option<(u32, Time)>,
}

impl Reception {
    /// Counts a packet; `sequence` is extended, `timestamp` in ticks of `clock_rate`.
    pub fn record(&mut self, now: Time, sequence: u64, timestamp: u32, clock_rate: u32) {
        let first = *self.first.get_or_insert(sequence);
        if sequence < first {
            self.first = Some(sequence);
        }
        self.received += 1;
        if sequence <= self.highest {
            return;
        }
        self.highest = sequence;
        let arrival = (u128::from(now.as_micros()) * u128::from(clock_rate) / 1_000_000) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let difference = (transit.wrapping_sub(before) as i32).unsigned_abs();
            // A change of source or a pause is not jitter.
            if difference < clock_rate {
                let decay = (self.jitter + 8) >> 4;
                self.jitter = self.jitter.saturating_add(difference).saturating_sub(decay);
            }
        }
    }

    /// Notes the middle 32 bits of a sender report's NTP time.
    pub fn sender_report(&mut self, now: Time, ntp: u64) {
        self.sender_report = Some(((ntp >> 16) as u32, now));
    }

    /// The report since the last one, nothing before the first packet.
    pub fn report(&mut self, now: Time, ssrc: u32) -> Option<ReportBlock> {
        let first = self.first?;
        let expected = self.highest.saturating_sub(first) + 1;
        let expected_interval = expected.saturating_sub(self.expected_before);
        let received_interval = self.received.saturating_sub(self.received_before);
        self.expected_before = expected;
        self.received_before = self.received;
        let lost_interval = expected_interval.saturating_sub(received_interval);
        let fraction = (lost_interval * 256)
            .checked_div(expected_interval)
            .unwrap_or(0);
        let lost = expected as i64 - self.received as i64;
        let (last_sr, delay) = match self.sender_report {
            Some((ntp, at)) => (ntp, ntp_short(now.since(at))),
            None => (0, 0),
        };
        Some(ReportBlock {
            ssrc,
            fraction_lost: fraction.min(255) as u8,
            cumulative_lost: lost.clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest_sequence: self.highest as u32,
            jitter: self.jitter >> 4,
            last_sr,
            delay_since_last_sr: delay,
        })
    }
}

/// A duration in units of 1/65536 s.
pub fn ntp_short(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros() * 65_536 / 1_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    #[test]
    fn nothing_is_said_before_the_first_packet() {
        assert!(Reception::default().report(at(1), 7).is_none());
    }

    #[test]
    fn loss_is_counted_since_the_last_report_and_in_all() {
        let mut reception = Reception::default();
        for sequence in [65_536, 65_537, 65_539, 65_540] {
            reception.record(at(0), sequence, 0, 90_000);
        }
        let block = reception.report(at(1), 7).unwrap();
        assert_eq!((block.fraction_lost, block.cumulative_lost), (51, 1));
        assert_eq!(block.highest_sequence, 65_540);
        reception.record(at(2), 65_541, 0, 90_000);
        let block = reception.report(at(3), 7).unwrap();
        assert_eq!((block.fraction_lost, block.cumulative_lost), (0, 1));
    }

    #[test]
    fn even_arrival_has_no_jitter_and_uneven_has() {
        let mut even = Reception::default();
        let mut uneven = Reception::default();
        for n in 0..100_u64 {
            even.record(at(20 * n), 65_536 + n, (960 * n) as u32, 48_000);
            uneven.record(
                at(20 * n + 10 * (n % 2)),
                65_536 + n,
                (960 * n) as u32,
                48_000,
            );
        }
        assert_eq!(even.report(at(0), 1).unwrap().jitter, 0);
        assert!(uneven.report(at(0), 1).unwrap().jitter > 300);
    }

    #[test]
    fn a_report_echoes_the_last_sender_report() {
        let mut reception = Reception::default();
        reception.record(at(0), 65_536, 0, 48_000);
        reception.sender_report(at(100), 0x1111_2222_3333_4444);
        let block = reception.report(at(1100), 1).unwrap();
        assert_eq!(
            (block.last_sr, block.delay_since_last_sr),
            (0x2222_3333, 65_536)
        );
    }
}
