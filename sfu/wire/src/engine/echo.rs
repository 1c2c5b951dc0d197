//! Sound as it left for one viewer, datagram by datagram: it has no retransmission of its own (RFC 4588), so who missed
//! some gets the same again (RFC 4585).
//!
//! The same to the byte: sealed anew it would have another transport-wide number and time in its header, and two headers
//! under one index give away the key that authenticates (RFC 7714 section 8.2).

use std::time::Duration;

use crate::time::Time;

/// Datagrams kept: more than a second of 20 ms each. A divisor of 65,536, so that a number's place follows from 16 bits.
const MOST: usize = 64;
/// Beyond the round trip no player waits longer for sound.
const LIFE: Duration = Duration::from_millis(500);
/// Repeats of one datagram: a viewer that asks without end gets no more than this many times the media's rate.
const MOST_REPEATS: u8 = 3;

struct Left {
    /// Ours, extended.
    sequence: u64,
    at: Time,
    repeated: Option<Time>,
    repeats: u8,
    /// Empty where there is none; its room is used again.
    datagram: Vec<u8>,
}

/// Keeps nothing until somebody asks: on lines that lose nothing it costs nothing. What is asked for first is not there.
#[derive(Default)]
pub struct Echo {
    ring: Vec<Left>,
}

impl Echo {
    /// Notes what left under our number `sequence`, once somebody has asked.
    pub fn keep(&mut self, now: Time, sequence: u64, datagram: &[u8]) {
        if let Some(place) = self.ring.get_mut(sequence as usize % MOST) {
            place.sequence = sequence;
            place.at = now;
            place.repeated = None;
            place.repeats = 0;
            place.datagram.clear();
            place.datagram.extend_from_slice(datagram);
        }
    }

    /// What left under that number (16 bits, as a NACK names it), unless it is too old, was repeated too often, or another
    /// repeat is under way.
    pub fn asked(&mut self, now: Time, sequence: u16, rtt: Duration) -> Option<&[u8]> {
        if self.ring.is_empty() {
            self.ring.resize_with(MOST, || Left {
                sequence: 0,
                at: now,
                repeated: None,
                repeats: 0,
                datagram: Vec::new(),
            });
        }
        let place = self.ring.get_mut(usize::from(sequence) % MOST)?;
        if place.sequence as u16 != sequence
            || place.datagram.is_empty()
            || now.since(place.at) > LIFE + rtt
            || place.repeats >= MOST_REPEATS
            || place.repeated.is_some_and(|at| now.since(at) < rtt / 2)
        {
            return None;
        }
        place.repeated = Some(now);
        place.repeats += 1;
        Some(&place.datagram)
    }

    pub fn clear(&mut self) {
        for place in &mut self.ring {
            place.datagram.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(40);

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    /// One in which somebody asked, and which kept the datagrams of these numbers at 0 ms.
    fn keeping(numbers: std::ops::Range<u64>) -> Echo {
        let mut echo = Echo::default();
        assert_eq!(echo.asked(at(0), 1, RTT), None);
        for number in numbers {
            echo.keep(at(0), number, &number.to_be_bytes());
        }
        echo
    }

    #[test]
    fn nothing_is_kept_before_somebody_asks() {
        let mut echo = Echo::default();
        echo.keep(at(0), 70_000, b"said");
        assert_eq!(echo.ring.capacity(), 0);
        assert_eq!(echo.asked(at(1), 70_000_u64 as u16, RTT), None);
        echo.keep(at(2), 70_001, b"said");
        let got = echo.asked(at(3), 70_001_u64 as u16, RTT);
        assert_eq!(got, Some(&b"said"[..]));
    }

    #[test]
    fn the_last_are_there_and_no_others() {
        let mut echo = keeping(65_500..65_600);
        let mut there = |number: u64| echo.asked(at(1), number as u16, RTT).map(<[u8]>::to_vec);
        assert_eq!(there(65_535), None);
        assert_eq!(there(65_536), Some(65_536_u64.to_be_bytes().to_vec()));
        assert_eq!(there(65_599), Some(65_599_u64.to_be_bytes().to_vec()));
        assert_eq!(there(65_600), None);
    }

    #[test]
    fn old_sound_and_sound_behind_a_gate_are_gone() {
        let mut echo = keeping(10..12);
        assert!(echo.asked(at(540), 10, RTT).is_some());
        assert!(echo.asked(at(541), 11, RTT).is_none());
        let mut echo = keeping(10..12);
        echo.clear();
        assert!(echo.asked(at(1), 10, RTT).is_none());
        echo.keep(at(2), 12, b"said");
        assert!(echo.asked(at(3), 12, RTT).is_some(), "it goes on keeping");
    }

    #[test]
    fn nobody_gets_sound_again_without_end() {
        let mut echo = keeping(10..11);
        let times = (0..500).filter(|ms| echo.asked(at(*ms), 10, RTT).is_some());
        assert_eq!(times.collect::<Vec<u64>>(), [0, 20, 40]);
    }

    #[test]
    fn what_comes_in_the_place_of_another_has_repeats_of_its_own() {
        let mut echo = keeping(10..11);
        let times = (0..500).filter(|ms| echo.asked(at(*ms), 10, RTT).is_some());
        assert_eq!(times.count(), usize::from(MOST_REPEATS));
        echo.keep(at(500), 10 + MOST as u64, b"said");
        assert!(echo.asked(at(500), 10 + MOST as u16, RTT).is_some());
    }

    #[test]
    fn room_is_used_again() {
        let mut echo = keeping(0..64);
        let room: Vec<*const u8> = echo
            .ring
            .iter()
            .map(|left| left.datagram.as_ptr())
            .collect();
        for number in 64..1_000_u64 {
            echo.keep(at(1), number, &number.to_be_bytes());
        }
        let after: Vec<*const u8> = echo
            .ring
            .iter()
            .map(|left| left.datagram.as_ptr())
            .collect();
        assert_eq!(room, after);
    }
}
