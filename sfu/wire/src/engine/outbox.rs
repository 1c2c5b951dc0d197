//! What one turn sends to one peer: datagrams end to end in one buffer, ready for segmentation offload.

use crate::command::SlotId;
use crate::counters::Content;

/// Room that an outbox keeps from turn to turn; what a burst needed beyond goes back.
const KEPT: usize = 64 * 1024;

/// Datagrams written one after the other; a datagram counts once it is committed.
#[derive(Default)]
pub struct Outbox {
    pub bytes: Vec<u8>,
    sizes: Vec<u16>,
    /// Of each datagram what it is, and the slot whose media it is; none for RTCP and DTLS.
    labels: Vec<(Content, Option<SlotId>)>,
}

impl Outbox {
    /// Where the next datagram starts.
    pub fn start(&self) -> usize {
        self.bytes.len()
    }

    /// Ends the datagram that began at `start`, media of `slot` or none of any.
    pub fn commit(&mut self, start: usize, content: Content, slot: Option<SlotId>) {
        match u16::try_from(self.bytes.len().saturating_sub(start)) {
            Ok(size) if size > 0 => {
                self.sizes.push(size);
                self.labels.push((content, slot));
            }
            _ => self.bytes.truncate(start),
        }
    }

    /// Gives up the datagram that began at `start`.
    pub fn abort(&mut self, start: usize) {
        self.bytes.truncate(start);
    }

    /// The datagram that was committed last.
    pub fn last(&self) -> &[u8] {
        let size = self.sizes.last().map_or(0, |&size| usize::from(size));
        let start = self.bytes.len().saturating_sub(size);
        self.bytes.get(start..).unwrap_or_default()
    }

    pub fn push(&mut self, content: Content, datagram: &[u8]) {
        let start = self.start();
        self.bytes.extend_from_slice(datagram);
        self.commit(start, content, None);
    }

    /// Takes back the media of a slot that still waits here: none goes out once its way is closed. Returns how many
    /// datagrams that were; RTCP and DTLS stay.
    pub fn withdraw(&mut self, slot: SlotId) -> u64 {
        if !self.labels.iter().any(|label| label.1 == Some(slot)) {
            return 0;
        }
        let before = std::mem::take(self);
        let mut rest = before.bytes.as_slice();
        let mut withdrawn = 0;
        for (&size, &(content, owner)) in before.sizes.iter().zip(&before.labels) {
            let Some((datagram, after)) = rest.split_at_checked(usize::from(size)) else {
                break;
            };
            rest = after;
            if owner == Some(slot) {
                withdrawn += 1;
                continue;
            }
            let start = self.start();
            self.bytes.extend_from_slice(datagram);
            self.commit(start, content, owner);
        }
        withdrawn
    }

    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// What each datagram is, and its size.
    pub fn contents(&self) -> impl Iterator<Item = (Content, usize)> {
        let sizes = self.sizes.iter().map(|&size| usize::from(size));
        self.labels.iter().map(|label| label.0).zip(sizes)
    }

    /// Runs of datagrams of one size, only the last of a run shorter: what one system call can send.
    pub fn runs(&self) -> Runs<'_> {
        Runs {
            bytes: &self.bytes,
            sizes: &self.sizes,
        }
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.sizes.clear();
        self.labels.clear();
    }
}

/// Bytes of a run and the size of its segments.
pub struct Run<'a> {
    pub contents: &'a [u8],
    pub segment: usize,
    pub count: usize,
}

pub struct Runs<'a> {
    bytes: &'a [u8],
    sizes: &'a [u16],
}

/// What Linux takes in one call: 64 segments, 64 KiB with headers (UDP_MAX_SEGMENTS).
const MOST_SEGMENTS: usize = 64;
const MOST_BYTES: usize = 65_000;

impl<'a> Iterator for Runs<'a> {
    type Item = Run<'a>;

    fn next(&mut self) -> Option<Run<'a>> {
        let (&first, rest) = self.sizes.split_first()?;
        let segment = usize::from(first);
        let mut total = segment;
        let mut count = 1;
        for &size in rest {
            let size = usize::from(size);
            if size > segment || count == MOST_SEGMENTS || total + size > MOST_BYTES {
                break;
            }
            total += size;
            count += 1;
            if size < segment {
                break;
            }
        }
        let (contents, bytes) = self.bytes.split_at_checked(total)?;
        self.bytes = bytes;
        self.sizes = self.sizes.get(count..)?;
        Some(Run {
            contents,
            segment,
            count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_join_equal_sizes_and_end_with_a_shorter_one() {
        let mut outbox = Outbox::default();
        for size in [10_usize, 10, 7, 9, 9, 12] {
            outbox.push(Content::Dtls, &vec![size as u8; size]);
        }
        let runs: Vec<_> = outbox
            .runs()
            .map(|run| (run.segment, run.count, run.contents.len()))
            .collect();
        assert_eq!(runs, [(10, 3, 27), (9, 2, 18), (12, 1, 12)]);
    }

    #[test]
    fn a_run_never_exceeds_what_the_system_takes() {
        let mut outbox = Outbox::default();
        for _ in 0..200 {
            outbox.push(Content::Dtls, &[0; 1200]);
        }
        let runs: Vec<_> = outbox.runs().collect();
        assert!(
            runs.iter()
                .all(|run| run.count <= 64 && run.contents.len() <= 65_000)
        );
        assert_eq!(runs.iter().map(|run| run.count).sum::<usize>(), 200);
    }

    #[test]
    fn what_is_withdrawn_leaves_the_others_as_they_were() {
        let (one, two) = (Some(SlotId(1)), Some(SlotId(2)));
        let mut outbox = Outbox::default();
        for (size, slot) in [(3_usize, one), (5, None), (4, two), (3, one), (6, two)] {
            let start = outbox.start();
            outbox.bytes.extend(vec![size as u8; size]);
            outbox.commit(start, Content::Video, slot);
        }
        assert_eq!(outbox.withdraw(SlotId(3)), 0);
        assert_eq!(outbox.withdraw(SlotId(1)), 2);
        let left: Vec<Vec<u8>> = outbox.runs().map(|run| run.contents.to_vec()).collect();
        assert_eq!(left, [[vec![5; 5], vec![4; 4]].concat(), vec![6; 6]]);
        assert_eq!(outbox.withdraw(SlotId(2)), 2);
        assert_eq!((outbox.len(), outbox.bytes.as_slice()), (1, &[5_u8; 5][..]));
    }

    #[test]
    fn aborted_and_empty_datagrams_leave_nothing() {
        let mut outbox = Outbox::default();
        let start = outbox.start();
        outbox.bytes.extend_from_slice(b"half");
        outbox.abort(start);
        outbox.push(Content::Dtls, b"");
        assert!(outbox.is_empty() && outbox.bytes.is_empty());
    }
}
