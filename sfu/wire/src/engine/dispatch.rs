//! Which of a viewer's packets left under which transport-wide number: when feedback says that one did not arrive, it is
//! sent again unasked, for the viewer's own request may be lost as well.

use crate::command::SlotId;
use crate::time::Time;

/// Numbers remembered, seconds of a call between two: feedback comes several times a second.
const MOST: usize = 1024;

/// A packet that can be sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dispatched {
    pub slot: SlotId,
    /// Our sequence number; of a retransmission that of its original.
    pub sequence: u16,
    pub at: Time,
}

/// Bounded, and empty for who sends no feedback.
#[derive(Default)]
pub struct Dispatches {
    /// By the lower bits of the number.
    ring: Vec<Option<(u16, Dispatched)>>,
}

impl Dispatches {
    pub fn note(&mut self, number: u16, dispatched: Dispatched) {
        if self.ring.is_empty() {
            self.ring.resize(MOST, None);
        }
        if let Some(place) = self.ring.get_mut(usize::from(number) % MOST) {
            *place = Some((number, dispatched));
        }
    }

    /// What left under that number, if it can be sent again; it is forgotten by that.
    pub fn take(&mut self, number: u16) -> Option<Dispatched> {
        let place = self.ring.get_mut(usize::from(number) % MOST)?;
        let (_, dispatched) = place.take_if(|(noted, _)| *noted == number)?;
        Some(dispatched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dispatched(sequence: u16) -> Dispatched {
        Dispatched {
            slot: SlotId(1),
            sequence,
            at: Time::ZERO,
        }
    }

    #[test]
    fn each_is_found_once_until_its_number_comes_round() {
        let mut dispatches = Dispatches::default();
        assert_eq!(dispatches.take(7), None);
        dispatches.note(65_535, dispatched(1));
        dispatches.note(0, dispatched(2));
        assert_eq!(dispatches.take(65_535), Some(dispatched(1)));
        assert_eq!(dispatches.take(65_535), None);
        dispatches.note(MOST as u16, dispatched(3));
        assert_eq!(dispatches.take(0), None);
        assert_eq!(dispatches.take(MOST as u16), Some(dispatched(3)));
    }
}
