//! Datagrams over a stream of bytes: each behind its length in two of them (RFC 4571 section 2).

/// Bytes of the length in front of a datagram.
pub const HEADER: usize = 2;
/// Longest datagram that is taken, in bytes: browsers send at most 1,500, and whoever announces more is none.
pub const MAX_FRAME: usize = 2048;

/// A length over [`MAX_FRAME`]. Where the next frame begins is not worth knowing then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Finds the datagrams in what a stream brings, however it was cut. It holds at most one that is not whole yet.
#[derive(Default)]
pub struct Deframer {
    partial: Vec<u8>,
}

impl Deframer {
    /// Takes in what came, and hands over each datagram that is whole now; most of them where they lie in `bytes`.
    ///
    /// # Errors
    /// [`TooLong`]; the stream is of no use after that.
    pub fn push(
        &mut self,
        bytes: &mut [u8],
        mut deliver: impl FnMut(&mut [u8]),
    ) -> Result<(), TooLong> {
        let mut rest = bytes;
        loop {
            if self.partial.is_empty() {
                rest = whole_frames(rest, &mut deliver)?;
            }
            if rest.is_empty() {
                return Ok(());
            }
            let wanted = match self.partial.first_chunk() {
                Some(header) => HEADER + length(*header)?,
                None => HEADER,
            };
            let missing = wanted.saturating_sub(self.partial.len()).min(rest.len());
            let (taken, after) = rest.split_at_mut(missing);
            self.partial.extend_from_slice(taken);
            rest = after;
            if let Some((header, frame)) = self.partial.split_first_chunk_mut::<HEADER>()
                && frame.len() == length(*header)?
            {
                deliver(frame);
                self.partial.clear();
            }
        }
    }

    /// Bytes held of a datagram that is not whole yet, its length included.
    #[must_use]
    pub fn held(&self) -> usize {
        self.partial.len()
    }
}

/// Hands over the frames at the beginning that are whole; what is left begins with one that is not.
fn whole_frames<'b>(
    mut bytes: &'b mut [u8],
    deliver: &mut impl FnMut(&mut [u8]),
) -> Result<&'b mut [u8], TooLong> {
    loop {
        let end = match bytes.first_chunk() {
            Some(header) => HEADER + length(*header)?,
            None => return Ok(bytes),
        };
        if bytes.len() < end {
            return Ok(bytes);
        }
        let (frame, after) = bytes.split_at_mut(end);
        deliver(frame.get_mut(HEADER..).unwrap_or_default());
        bytes = after;
    }
}

fn length(header: [u8; HEADER]) -> Result<usize, TooLong> {
    let length = usize::from(u16::from_be_bytes(header));
    if length > MAX_FRAME {
        Err(TooLong)
    } else {
        Ok(length)
    }
}

/// Appends a datagram as a frame; false, and nothing, where it is longer than a length can say.
pub fn write(datagram: &[u8], out: &mut Vec<u8>) -> bool {
    let Ok(length) = u16::try_from(datagram.len()) else {
        return false;
    };
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(datagram);
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(datagrams: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        for datagram in datagrams {
            assert!(write(datagram, &mut out));
        }
        out
    }

    /// What comes out of the stream when it is cut after each of `cuts`.
    fn pushed(stream: &[u8], cuts: &[usize]) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut deframer = Deframer::default();
        let mut came = Vec::new();
        let mut bounds: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
        bounds.extend([0, stream.len()]);
        bounds.sort_unstable();
        for pair in bounds.windows(2) {
            let mut part = stream[pair[0]..pair[1]].to_vec();
            deframer.push(&mut part, |datagram| came.push(datagram.to_vec()))?;
            assert!(deframer.held() <= HEADER + MAX_FRAME);
        }
        Ok(came)
    }

    #[test]
    fn datagrams_survive_every_split_of_their_stream() {
        let datagrams = [vec![1; 5], vec![], vec![2; 1], vec![3; 60], vec![4; 2]];
        let stream = framed(&datagrams);
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                assert_eq!(
                    pushed(&stream, &[first, second]).as_deref(),
                    Ok(&datagrams[..]),
                    "{first} {second}"
                );
            }
        }
        let each: Vec<usize> = (0..stream.len()).collect();
        assert_eq!(pushed(&stream, &each).as_deref(), Ok(&datagrams[..]));
    }

    #[test]
    fn every_length_is_taken_or_refused_by_its_two_bytes_alone() {
        for length in 0..=u16::MAX {
            let header = length.to_be_bytes();
            let refused = usize::from(length) > MAX_FRAME;
            for cut in [0, 1] {
                assert_eq!(pushed(&header, &[cut]).is_err(), refused, "{length} {cut}");
            }
        }
    }

    #[test]
    fn what_was_whole_before_a_hostile_length_is_handed_over() {
        let mut deframer = Deframer::default();
        let mut came = Vec::new();
        let mut stream = framed(&[vec![7; 9]]);
        stream.extend([0xff, 0xff, 1, 2, 3]);
        let result = deframer.push(&mut stream, |datagram| came.push(datagram.to_vec()));
        assert_eq!((result, came), (Err(TooLong), vec![vec![7; 9]]));
    }

    #[test]
    fn a_datagram_too_long_for_a_frame_is_not_written() {
        let mut out = Vec::new();
        assert!(!write(&vec![0; 65_536], &mut out) && out.is_empty());
        assert!(write(&vec![0; 65_535], &mut out) && out.len() == 65_537);
    }

    proptest! {
        #[test]
        fn any_datagrams_survive_any_split(
            datagrams in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..MAX_FRAME), 0..8),
            cuts in proptest::collection::vec(any::<usize>(), 0..40),
        ) {
            let came = pushed(&framed(&datagrams), &cuts);
            prop_assert_eq!(came, Ok(datagrams));
        }

        #[test]
        fn bytes_of_anybody_are_bounded_and_read_alike_however_cut(
            stream in proptest::collection::vec(prop_oneof![3 => Just(0), 1 => any::<u8>()], 0..600),
            cuts in proptest::collection::vec(any::<usize>(), 0..20),
        ) {
            prop_assert_eq!(pushed(&stream, &[]), pushed(&stream, &cuts));
        }
    }
}
