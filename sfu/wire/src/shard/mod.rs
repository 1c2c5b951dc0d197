//! One media thread: an engine, its sockets and a clock. Commands cross to it and events from it in two queues.

mod pace;
mod tcp;
mod udp;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::time::ClockId;

use crate::command::Command;
use crate::engine::{self, Engine};
use crate::event::Event;
use crate::time::Time;
use crate::tuple::Protocol;
use pace::Pace;
use tcp::{Dropped, Streams};
use udp::Sockets;

/// Seconds from the NTP epoch (1900) to the Unix epoch (RFC 5905).
const NTP_TO_UNIX: u64 = 2_208_988_800;
/// Times that the sockets are read before media passes anew, unless they run dry earlier: as much as the kernel holds.
const MOST_READS: usize = 32;
/// Nice value asked for: under load every millisecond of delay is heard.
const PRIORITY: i32 = -10;
/// Free ports tried before giving up: the one that UDP got may be taken in TCP.
const TRIES: usize = 16;

enum Message {
    Command(Command),
    Inspect(Box<dyn FnOnce(&mut Engine) + Send>),
    Stop,
}

impl Message {
    /// Whether media may pass for which there was no way before.
    fn opens(&self) -> bool {
        matches!(
            self,
            Self::Command(
                Command::SetGate { open: true, .. }
                    | Command::SetMute { muted: false, .. }
                    | Command::SetRoutes { .. }
            )
        )
    }
}

/// What waits for the media thread; nothing any more once it has ended.
#[derive(Default)]
struct Inbox {
    messages: Vec<Message>,
    ended: bool,
}

struct Shared {
    inbox: Mutex<Inbox>,
    /// Wakes the media thread; written only when the inbox was empty.
    wake: OwnedFd,
    events: Mutex<Vec<Event>>,
    /// Readable when there are events; written only when there were none, and at the end of the thread.
    notify: OwnedFd,
}

/// The media thread has ended, which it does by itself only where it meets a bug.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended;

/// A running media thread. Dropping it stops the thread and closes the sockets.
pub struct Shard {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    port: u16,
    tcp_ports: Vec<u16>,
    raised: bool,
}

/// What a media thread needs to start.
#[derive(Clone, Debug)]
pub struct Config {
    /// UDP and TCP port, IPv4 and IPv6; zero for a free one.
    pub port: u16,
    /// Further TCP ports.
    pub tcp_ports: Vec<u16>,
    pub seed: u64,
}

impl Shard {
    /// Opens the sockets and starts the thread. Fails when the port is taken or no thread can be had.
    pub fn start(config: Config) -> io::Result<Self> {
        let (sockets, streams) = bind(&config)?;
        let port = sockets.port();
        let tcp_ports = streams.ports().to_vec();
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let shared = Arc::new(Shared {
            inbox: Mutex::default(),
            wake: eventfd(0, flags)?,
            events: Mutex::default(),
            notify: eventfd(0, flags)?,
        });
        let engine = Engine::new(engine::Config {
            ntp_at_zero: ntp_now(),
            seed: config.seed,
        });
        let (ready, is_ready) = sync_channel(1);
        let worker = Worker {
            shared: Arc::clone(&shared),
            sockets,
            streams,
            engine,
            origin: Instant::now(),
        };
        let thread = std::thread::Builder::new()
            .name("venterom-media".to_owned())
            .spawn(move || {
                let raised =
                    rustix::process::setpriority_process(Some(rustix::thread::gettid()), PRIORITY)
                        .is_ok();
                // The receiver waits below; a send can't fail before it has come.
                let _ = ready.send(raised);
                worker.run();
            })?;
        let raised = is_ready.recv().unwrap_or(false);
        Ok(Self {
            shared,
            thread: Some(thread),
            port,
            tcp_ports,
            raised,
        })
    }

    /// The UDP port in use.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The TCP ports in use: the same as of UDP, then the further ones.
    pub fn tcp_ports(&self) -> &[u16] {
        &self.tcp_ports
    }

    /// Whether the system gave the thread a raised priority.
    pub fn raised_priority(&self) -> bool {
        self.raised
    }

    pub fn apply(&self, command: Command) -> Result<(), Ended> {
        self.send(Message::Command(command))
    }

    /// Readable when [`Shard::drain_events`] has something to give.
    pub fn notifier(&self) -> BorrowedFd<'_> {
        self.shared.notify.as_fd()
    }

    /// The events since the last call.
    pub fn drain_events(&self) -> Result<Vec<Event>, Ended> {
        clear(&self.shared.notify);
        let events = std::mem::take(&mut *lock(&self.shared.events));
        if events.is_empty() && lock(&self.shared.inbox).ended {
            return Err(Ended);
        }
        Ok(events)
    }

    /// Runs `question` on the media thread and waits for its answer.
    pub fn inspect<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Engine) -> T + Send + 'static,
    ) -> Result<T, Ended> {
        let (answer, is_answered) = sync_channel(1);
        self.send(Message::Inspect(Box::new(move |engine| {
            // The asker may have given up.
            let _ = answer.send(question(engine));
        })))?;
        is_answered.recv().map_err(|_| Ended)
    }

    fn send(&self, message: Message) -> Result<(), Ended> {
        let was_empty = {
            let mut inbox = lock(&self.shared.inbox);
            if inbox.ended {
                return Err(Ended);
            }
            let was_empty = inbox.messages.is_empty();
            inbox.messages.push(message);
            was_empty
        };
        if was_empty {
            signal(&self.shared.wake);
        }
        Ok(())
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        // Not taken where the thread has ended already.
        let _ = self.send(Message::Stop);
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been printed; there is nobody to hand it to.
            let _ = thread.join();
        }
    }
}

/// Closes the inbox when the thread ends, by a panic too: whoever waits for an answer hears that none will come.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        let mut inbox = lock(&self.0.inbox);
        inbox.ended = true;
        let unanswered = std::mem::take(&mut inbox.messages);
        drop(inbox);
        drop(unanswered);
        signal(&self.0.notify);
    }
}

struct Worker {
    shared: Arc<Shared>,
    sockets: Sockets,
    streams: Streams,
    engine: Engine,
    origin: Instant,
}

impl Worker {
    fn run(mut self) {
        let _ending = Ending(Arc::clone(&self.shared));
        let mut pace = Pace::new(Instant::now());
        loop {
            if let Some(left) = pace.rest(Instant::now()) {
                std::thread::sleep(left);
            }
            self.sleep();
            self.engine.counters.wakeups += 1;
            pace.woken(Instant::now());
            if self.turn().is_stop() {
                return;
            }
        }
    }

    fn now(&self) -> Time {
        Time::from_micros(self.origin.elapsed().as_micros() as u64)
    }

    fn sleep(&self) {
        let engine = self.engine.next_timeout();
        let engine = engine.map(|at| at.since(self.now()));
        let sweep = self.streams.next_sweep();
        let sweep = sweep.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = engine.into_iter().chain(sweep).min().map(|left| Timespec {
            tv_sec: left.as_secs() as i64,
            tv_nsec: i64::from(left.subsec_nanos()),
        });
        let mut fds: Vec<PollFd<'_>> = vec![
            PollFd::new(&self.shared.wake, PollFlags::IN),
            PollFd::new(&self.streams, PollFlags::IN),
        ];
        fds.extend(
            self.sockets
                .iter()
                .map(|socket| PollFd::from_borrowed_fd(socket, PollFlags::IN)),
        );
        // Interrupted or not, the turn looks at everything.
        let _ = poll(&mut fds, timeout.as_ref());
    }

    fn turn(&mut self) -> Turn {
        clear(&self.shared.wake);
        let messages = std::mem::take(&mut lock(&self.shared.inbox).messages);
        let mut has_read = false;
        for message in messages {
            // What came while a way was closed is read while it still is.
            if message.opens() && !has_read {
                has_read = true;
                for _ in 0..MOST_READS {
                    if !self.receive() {
                        break;
                    }
                }
            }
            match message {
                Message::Command(command) => self.engine.apply(self.now(), command),
                Message::Inspect(question) => question(&mut self.engine),
                Message::Stop => return Turn::Stop,
            }
        }
        if !has_read {
            self.receive();
        }
        self.streams.sweep(self.now(), &mut self.engine);
        self.engine.handle_timeout(self.now());
        if self.engine.has_transmits() {
            let (sockets, streams) = (&self.sockets, &mut self.streams);
            let mut dropped = Dropped::default();
            self.engine
                .drain_transmits(|tuple, run| match tuple.protocol {
                    Protocol::Udp => dropped.udp += sockets.send(tuple, &run),
                    Protocol::Tcp => streams.send(tuple, &run, &mut dropped),
                });
            self.engine.counters.send_errors += dropped.udp;
            self.engine.counters.tcp_dropped += dropped.tcp;
        }
        self.tell();
        Turn::Continue
    }

    /// Reads the sockets once; whether there may be more.
    fn receive(&mut self) -> bool {
        let now = self.now();
        let engine = &mut self.engine;
        let more = self.streams.receive(now, engine);
        more | self
            .sockets
            .receive(|tuple, datagram| engine.receive(now, tuple, datagram))
    }

    /// Hands events over. The engine bounds what waits of each peer, so it is told when the node has taken all.
    fn tell(&mut self) {
        let mut events = lock(&self.shared.events);
        let was_empty = events.is_empty();
        if was_empty {
            self.engine.events_taken();
        }
        if !self.engine.has_events() {
            return;
        }
        events.extend(self.engine.drain_events());
        drop(events);
        if was_empty {
            signal(&self.shared.notify);
        }
    }
}

enum Turn {
    Continue,
    Stop,
}

impl Turn {
    fn is_stop(&self) -> bool {
        matches!(self, Self::Stop)
    }
}

/// CPU time that the calling thread has used: asked on the media thread, what media costs.
pub fn cpu_time() -> Duration {
    let used = rustix::time::clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(used.tv_sec as u64, used.tv_nsec as u32)
}

/// The port in UDP and in TCP, and the further ones.
fn bind(config: &Config) -> io::Result<(Sockets, Streams)> {
    let mut tries = 0;
    loop {
        tries += 1;
        let sockets = Sockets::bind(config.port)?;
        let ports = [&[sockets.port()], config.tcp_ports.as_slice()].concat();
        match Streams::bind(&ports) {
            Ok(streams) => return Ok((sockets, streams)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                if config.port != 0 || tries == TRIES {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

fn ntp_now() -> u64 {
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
    ((unix.as_secs() + NTP_TO_UNIX) << 32) | fraction
}

/// A panic elsewhere leaves plain data behind; it is still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn signal(fd: &OwnedFd) {
    // Fails only when the counter is full, and then it is readable anyway.
    let _ = rustix::io::write(fd, &1_u64.to_ne_bytes());
}

fn clear(fd: &OwnedFd) {
    // Fails only when there is nothing to clear.
    let _ = rustix::io::read(fd, &mut [0_u8; 8]);
}

#[cfg(test)]
mod tests;
