//! How many connections are taken: in all, of one source, and of those whom ICE does not know yet.

use std::net::{IpAddr, Ipv6Addr};

use rustc_hash::FxHashMap;

/// Connections in all, unless the system grants fewer descriptors.
const MOST: usize = 4096;
/// Of one source: a clinic behind one address, where each browser opens a handful.
const MOST_OF_SOURCE: usize = 1024;
/// Of one source that ICE does not know yet: each is known within a round trip.
const MOST_UNPROVEN_OF_SOURCE: usize = 64;
/// One in so many connections may be unknown to ICE.
const UNPROVEN_SHARE: usize = 4;

/// Whom connections are counted for: an IPv4 address, or the network of 64 bits that one subscriber has in IPv6.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Source(IpAddr);

impl Source {
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let network = u128::from(v6) & (u128::MAX << 64);
                Self(IpAddr::V6(Ipv6Addr::from(network)))
            }
            v4 => Self(v4),
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Count {
    all: usize,
    unproven: usize,
}

/// Whether one more is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Taken,
    /// If the one that has been unknown longest makes room.
    InPlaceOfOldest,
    Refused,
}

pub(super) struct Admission {
    most: usize,
    count: Count,
    sources: FxHashMap<Source, Count>,
}

impl Admission {
    /// `descriptors` is how many the process may have open; half of them stay for everybody else.
    pub(super) fn new(descriptors: usize) -> Self {
        Self {
            most: MOST.min(descriptors / 2).max(UNPROVEN_SHARE),
            count: Count::default(),
            sources: FxHashMap::default(),
        }
    }

    pub(super) fn judge(&self, source: Source) -> Verdict {
        let of_source = self.sources.get(&source).copied().unwrap_or_default();
        if self.count.all >= self.most
            || of_source.all >= MOST_OF_SOURCE
            || of_source.unproven >= MOST_UNPROVEN_OF_SOURCE
        {
            Verdict::Refused
        } else if self.count.unproven >= self.most / UNPROVEN_SHARE {
            Verdict::InPlaceOfOldest
        } else {
            Verdict::Taken
        }
    }

    /// A connection came, unproven.
    pub(super) fn add(&mut self, source: Source) {
        let of_source = self.sources.entry(source).or_default();
        for count in [of_source, &mut self.count] {
            count.all += 1;
            count.unproven += 1;
        }
    }

    /// ICE came to know one, or to know it no more.
    pub(super) fn prove(&mut self, source: Source, proven: bool) {
        let of_source = self.sources.entry(source).or_default();
        for count in [of_source, &mut self.count] {
            if proven {
                count.unproven -= 1;
            } else {
                count.unproven += 1;
            }
        }
    }

    pub(super) fn remove(&mut self, source: Source, proven: bool) {
        let of_source = self.sources.entry(source).or_default();
        for count in [&mut *of_source, &mut self.count] {
            count.all -= 1;
            count.unproven -= usize::from(!proven);
        }
        if of_source.all == 0 {
            self.sources.remove(&source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::of(text.parse().expect("an address"))
    }

    #[test]
    fn a_source_is_an_ipv4_address_or_an_ipv6_network() {
        let same = |one, other| source(one) == source(other);
        assert!(same("192.0.2.1", "::ffff:192.0.2.1") && !same("192.0.2.1", "192.0.2.2"));
        assert!(same("2001:db8::1", "2001:db8::ffff:1") && !same("2001:db8::1", "2001:db8:0:1::1"));
    }

    #[test]
    fn one_source_has_its_share_and_others_theirs() {
        let mut admission = Admission::new(100_000);
        let (one, other) = (source("192.0.2.1"), source("192.0.2.2"));
        for _ in 0..MOST_UNPROVEN_OF_SOURCE {
            assert_eq!(admission.judge(one), Verdict::Taken);
            admission.add(one);
        }
        assert_eq!(admission.judge(one), Verdict::Refused);
        assert_eq!(admission.judge(other), Verdict::Taken);
        admission.prove(one, true);
        assert_eq!(admission.judge(one), Verdict::Taken);
        for _ in 1..MOST_UNPROVEN_OF_SOURCE {
            admission.prove(one, true);
        }
        for _ in MOST_UNPROVEN_OF_SOURCE..MOST_OF_SOURCE {
            assert_eq!(admission.judge(one), Verdict::Taken);
            admission.add(one);
            admission.prove(one, true);
        }
        assert_eq!(admission.judge(one), Verdict::Refused);
        admission.prove(one, false);
        admission.remove(one, false);
        assert_eq!(admission.judge(one), Verdict::Taken);
        for _ in 1..MOST_OF_SOURCE {
            admission.remove(one, true);
        }
        assert!(admission.sources.is_empty() && admission.count.all == 0);
    }

    #[test]
    fn half_of_the_descriptors_stay_and_the_oldest_stranger_makes_room() {
        let mut admission = Admission::new(80);
        for n in 0..10 {
            let source = source(&format!("192.0.2.{n}"));
            assert_eq!(admission.judge(source), Verdict::Taken);
            admission.add(source);
        }
        assert_eq!(
            admission.judge(source("192.0.2.99")),
            Verdict::InPlaceOfOldest
        );
        for n in 0..10 {
            admission.prove(source(&format!("192.0.2.{n}")), true);
        }
        for _ in 10..40 {
            admission.add(source("192.0.2.50"));
            admission.prove(source("192.0.2.50"), true);
        }
        assert_eq!(admission.judge(source("192.0.2.99")), Verdict::Refused);
    }
}
