//! One TCP connection of a client: frames in, frames out, and a queue that never holds what is too old to be of use.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use crate::framing::{self, Deframer};
use crate::tuple::Tuple;

use super::admission::Source;

/// Bytes that may wait for a reader: a second of video at 2 Mbit/s.
const MOST_WAITING: usize = 256 * 1024;
/// Of these video may take so much: behind it there is always room for sound.
const MOST_VIDEO_WAITING: usize = 192 * 1024;
/// Longest datagram that is taken for sound, or for control, where room is scarce.
const SMALL: usize = 400;
/// What waited for so long is no use any more, and after a gate has closed it may not go out at all.
const STALE: Duration = Duration::from_millis(250);
/// A reader that has taken nothing for so long is gone, or means harm.
const STUCK: Duration = Duration::from_secs(10);
/// Browsers check a path every few seconds; after this time ICE has withdrawn its consent as well (RFC 7675).
const IDLE: Duration = crate::ice::CONSENT_TIMEOUT;
/// For so long a connection may be without a check that ICE accepts.
pub(super) const UNPROVEN: Duration = Duration::from_secs(5);
/// Bytes that the kernel may hold unsent: what is queued there can't be taken back.
const KERNEL_UNSENT: libc::c_int = 16 * 1024;
/// Frames in one system call.
const BATCH: usize = 32;

struct Frame {
    queued: Instant,
    bytes: Box<[u8]>,
}

pub(super) struct Connection {
    io: TcpStream,
    pub(super) tuple: Tuple,
    pub(super) source: Source,
    /// Since when ICE does not know the tuple; none while it does.
    pub(super) unproven: Option<Instant>,
    deframer: Deframer,
    waiting: VecDeque<Frame>,
    waiting_bytes: usize,
    /// Bytes of the first frame that are sent already.
    sent: usize,
    heard: Instant,
    /// Since when the reader takes nothing.
    blocked: Option<Instant>,
    /// The system tells when the reader takes more.
    pub(super) watched: bool,
}

/// What a read brought.
pub(super) enum Came {
    /// All that there was.
    All,
    /// A buffer full; there may be more.
    More,
}

impl Connection {
    pub(super) fn new(
        now: Instant,
        io: TcpStream,
        tuple: Tuple,
        source: Source,
    ) -> io::Result<Self> {
        io.set_nonblocking(true)?;
        io.set_nodelay(true)?;
        limit_unsent(&io);
        Ok(Self {
            io,
            tuple,
            source,
            unproven: Some(now),
            deframer: Deframer::default(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            sent: 0,
            heard: now,
            blocked: None,
            watched: false,
        })
    }

    /// Reads once into `buffer`, and hands over what is whole. An error, the end among them, means that it is over.
    pub(super) fn read(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        deliver: impl FnMut(&mut [u8]),
    ) -> io::Result<Came> {
        let count = match self.io.read(buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if is_passing(&error) => return Ok(Came::All),
            Err(error) => return Err(error),
        };
        self.heard = now;
        let whole = count == buffer.len();
        let part = buffer.get_mut(..count).unwrap_or_default();
        self.deframer
            .push(part, deliver)
            .map_err(|framing::TooLong| io::Error::from(io::ErrorKind::InvalidData))?;
        Ok(if whole { Came::More } else { Came::All })
    }

    /// Queues a datagram; false where there is no room for it.
    pub(super) fn queue(&mut self, now: Instant, datagram: &[u8]) -> bool {
        let most = if datagram.len() <= SMALL {
            MOST_WAITING
        } else {
            MOST_VIDEO_WAITING
        };
        let mut bytes = Vec::with_capacity(framing::HEADER + datagram.len());
        if self.waiting_bytes + datagram.len() > most || !framing::write(datagram, &mut bytes) {
            return false;
        }
        self.waiting_bytes += bytes.len();
        self.waiting.push_back(Frame {
            queued: now,
            bytes: bytes.into_boxed_slice(),
        });
        true
    }

    /// Sends what the reader takes, and forgets what has become too old; returns how many that were.
    pub(super) fn flush(&mut self, now: Instant) -> io::Result<u64> {
        let stale = self.forget_stale(now);
        while !self.waiting.is_empty() {
            let slices: Vec<IoSlice<'_>> = self
                .waiting
                .iter()
                .take(BATCH)
                .enumerate()
                .map(|(place, frame)| {
                    let from = if place == 0 { self.sent } else { 0 };
                    IoSlice::new(frame.bytes.get(from..).unwrap_or_default())
                })
                .collect();
            match (&self.io).write_vectored(&slices) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.took(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked.get_or_insert(now);
                    return Ok(stale);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(stale)
    }

    /// Whether it wants to hear that the reader takes more.
    pub(super) fn wants_to_write(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether its time is up.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let since = |moment: Instant| now.saturating_duration_since(moment);
        self.unproven.is_some_and(|at| since(at) >= UNPROVEN)
            || self.blocked.is_some_and(|at| since(at) >= STUCK)
            || since(self.heard) >= IDLE
    }

    fn took(&mut self, count: usize) {
        self.blocked = None;
        self.sent += count;
        while let Some(first) = self.waiting.front()
            && self.sent >= first.bytes.len()
        {
            self.sent -= first.bytes.len();
            self.waiting_bytes -= first.bytes.len();
            self.waiting.pop_front();
        }
    }

    /// A frame that has begun has to end, or the stream would be out of step.
    fn forget_stale(&mut self, now: Instant) -> u64 {
        let begun = usize::from(self.sent > 0);
        let mut count = 0;
        while let Some(frame) = self.waiting.get(begun)
            && now.saturating_duration_since(frame.queued) > STALE
        {
            self.waiting_bytes -= frame.bytes.len();
            self.waiting.remove(begun);
            count += 1;
        }
        count
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

/// Nothing is wrong: try again when there is something to do.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// A wish: without it more waits in the kernel, and what a closed gate should hold back may leave later.
fn limit_unsent(io: &TcpStream) {
    // SAFETY: the descriptor is open, and the pointer and length describe a constant that outlives the call.
    unsafe {
        libc::setsockopt(
            io.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_NOTSENT_LOWAT,
            std::ptr::from_ref(&KERNEL_UNSENT).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        );
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;
    use crate::tuple::Protocol;

    /// A connection, and the client's end of it.
    fn pair(now: Instant) -> (Connection, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("room");
        let (io, remote) = listener.accept().expect("a connection");
        let tuple = Tuple {
            protocol: Protocol::Tcp,
            local: io.local_addr().expect("an address"),
            remote,
        };
        let connection = Connection::new(now, io, tuple, Source::of(remote.ip()));
        (connection.expect("options"), client)
    }

    /// Queues until the reader, who takes nothing, has made the queue full of `size`; returns how many it took.
    fn fill(connection: &mut Connection, now: Instant, size: usize) -> usize {
        let mut count = 0;
        while connection.queue(now, &vec![0x42; size]) {
            assert_eq!(connection.flush(now).expect("alive"), 0);
            count += 1;
        }
        count
    }

    #[test]
    fn a_reader_that_takes_nothing_costs_a_bounded_queue_in_which_sound_finds_room_longest() {
        let now = Instant::now();
        let (mut connection, client) = pair(now);
        assert!(fill(&mut connection, now, 1200) > 100);
        assert!(connection.waiting_bytes <= MOST_VIDEO_WAITING + 1202);
        assert!(!connection.queue(now, &[0; 1200]) && connection.queue(now, &[0; 100]));
        assert!(fill(&mut connection, now, 100) > 100);
        assert!(connection.waiting_bytes <= MOST_WAITING + 102);
        drop(client);
    }

    #[test]
    fn what_waited_too_long_is_not_sent_and_the_stream_stays_in_step() {
        let now = Instant::now();
        let (mut connection, mut client) = pair(now);
        fill(&mut connection, now, 1200);
        assert!(connection.sent > 0, "a frame has begun");
        let later = now + STALE + Duration::from_millis(1);
        assert!(connection.queue(later, b"fresh"));
        let stale = connection.flush(later).expect("alive");
        assert!(stale > 100 && connection.waiting.len() == 2, "{stale}");
        client.set_nonblocking(true).expect("a socket");
        let mut deframer = Deframer::default();
        let mut came = Vec::new();
        let mut buffer = vec![0; 65_536];
        while came.last().is_none_or(|last: &Vec<u8>| last != b"fresh") {
            if let Ok(count) = client.read(&mut buffer) {
                let deliver = |frame: &mut [u8]| came.push(frame.to_vec());
                deframer
                    .push(&mut buffer[..count], deliver)
                    .expect("frames");
            }
            connection.flush(later).expect("alive");
        }
        let (fresh, old) = came.split_last().expect("frames");
        assert!(fresh == b"fresh" && old.iter().all(|frame| *frame == vec![0x42; 1200]));
        assert!(!connection.wants_to_write() && connection.waiting_bytes == 0);
    }

    #[test]
    fn its_time_is_up_when_unproven_silent_or_stuck() {
        let now = Instant::now();
        let (mut connection, client) = pair(now);
        assert!(!connection.is_over(now + UNPROVEN - Duration::from_millis(1)));
        assert!(connection.is_over(now + UNPROVEN));
        connection.unproven = None;
        assert!(!connection.is_over(now + IDLE - Duration::from_millis(1)));
        assert!(connection.is_over(now + IDLE));
        fill(&mut connection, now, 1200);
        assert!(!connection.is_over(now + STUCK - Duration::from_millis(1)));
        assert!(connection.is_over(now + STUCK));
        drop(client);
    }
}
