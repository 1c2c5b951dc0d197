//! Keyframe requests of one track: as few as serve everybody.

use std::time::Duration;

use crate::time::Time;

/// At most one request per track in this time, whatever viewers ask.
pub const INTERVAL: Duration = Duration::from_millis(500);

/// Coalesces what viewers ask for. It keeps no timer: a request that must wait is sent with a later packet of the track,
/// and a track that sends no packet has nothing to repair.
#[derive(Default)]
pub struct Governor {
    sent: Option<Time>,
    waiting: bool,
}

impl Governor {
    /// Somebody needs a keyframe; true when a request is to be sent now.
    #[must_use]
    pub fn request(&mut self, now: Time) -> bool {
        self.waiting = true;
        self.poll(now)
    }

    /// True when a request that had to wait is to be sent now.
    #[must_use]
    pub fn poll(&mut self, now: Time) -> bool {
        if !self.waiting || self.sent.is_some_and(|sent| now.since(sent) < INTERVAL) {
            return false;
        }
        self.waiting = false;
        self.sent = Some(now);
        true
    }

    /// A keyframe came: whoever waited is served.
    pub fn keyframe(&mut self) {
        self.waiting = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    #[test]
    fn a_storm_becomes_two_requests_a_second() {
        let mut governor = Governor::default();
        let sent = (0..5000).filter(|n| governor.request(at(n / 5))).count();
        assert_eq!(sent, 2);
    }

    #[test]
    fn a_request_that_waits_is_sent_with_a_later_packet_unless_a_keyframe_came() {
        let mut governor = Governor::default();
        assert!(governor.request(at(0)));
        assert!(!governor.request(at(100)));
        assert!(!governor.poll(at(499)));
        assert!(governor.poll(at(500)));
        assert!(!governor.poll(at(2000)));
        assert!(governor.request(at(2000)));
        assert!(!governor.request(at(2100)));
        governor.keyframe();
        assert!(!governor.poll(at(3000)));
    }
}
