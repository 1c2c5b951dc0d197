//! ICE over TCP (RFC 6544), the passive side: listeners, and connections that are cut unless ICE knows them soon.
//!
//! No read or write waits, and each has its bound per turn, so that no connection holds up another or the UDP sockets.

mod admission;
mod connection;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use rustix::event::{Timespec, epoll};
use rustix::process::{Resource, getrlimit};
use socket2::{Domain, Protocol, Type};

use crate::engine::Engine;
use crate::engine::outbox::Run;
use crate::time::Time;
use crate::tuple::{self, Tuple};
use admission::{Admission, Source, Verdict};
use connection::{Came, Connection};

/// Connections looked at in a turn, and bytes read of each.
const EVENTS: usize = 64;
const READ: usize = 16 * 1024;
/// Connections taken of one listener in a turn.
const ACCEPTS: usize = 16;
/// Connections that the kernel holds until they are taken.
const BACKLOG: i32 = 256;
/// How often is looked for connections whose time is up. A listener that the system refused a connection rests as long.
const SWEEP: Duration = Duration::from_secs(1);
/// Names of connections begin here; those below are listeners'.
const FIRST: u64 = 1 << 32;

pub(super) struct Streams {
    epoll: OwnedFd,
    listeners: Vec<TcpListener>,
    ports: Vec<u16>,
    /// They rest, because the system has no descriptors left: looking again at once would only spin.
    resting: bool,
    connections: FxHashMap<u64, Connection>,
    names: FxHashMap<Tuple, u64>,
    last: u64,
    admission: Admission,
    next_sweep: Instant,
    buffer: Vec<u8>,
}

impl Streams {
    /// Listens on the ports, IPv4 and IPv6; zero is a free one. A system without IPv6 gets IPv4 alone.
    pub(super) fn bind(ports: &[u16]) -> io::Result<Self> {
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let mut streams = Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            listeners: Vec::new(),
            ports: Vec::new(),
            resting: true,
            connections: FxHashMap::default(),
            names: FxHashMap::default(),
            last: FIRST,
            admission: Admission::new(usize::try_from(descriptors).unwrap_or(usize::MAX)),
            next_sweep: Instant::now(),
            buffer: vec![0; READ],
        };
        for &port in ports {
            let v4 = listen(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port))?;
            let chosen = v4.local_addr()?.port();
            streams.listeners.push(v4);
            streams.ports.push(chosen);
            match listen(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), chosen)) {
                Ok(v6) => streams.listeners.push(v6),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
                Err(_) => {}
            }
        }
        streams.rest(false)?;
        Ok(streams)
    }

    /// The ports listened on, in the order asked for.
    pub(super) fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// When [`Streams::sweep`] wants to be called next.
    pub(super) fn next_sweep(&self) -> Option<Instant> {
        (self.resting || !self.connections.is_empty()).then_some(self.next_sweep)
    }

    /// Takes connections, hands the engine what has come, sends what waited; whether there may be more.
    pub(super) fn receive(&mut self, now: Time, engine: &mut Engine) -> bool {
        let mut events: Vec<epoll::Event> = Vec::with_capacity(EVENTS);
        let at_once = Timespec::default();
        // Interrupted or not, what has come still is there the next time.
        let _ = epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut events),
            Some(&at_once),
        );
        let clock = Instant::now();
        let mut more = events.len() == EVENTS;
        for event in &events {
            let name = event.data.u64();
            if let Some(index) = usize::try_from(name).ok().filter(|_| name < FIRST) {
                self.accept(clock, now, engine, index);
                continue;
            }
            match self.serve(clock, now, engine, name) {
                Ok(Came::More) => more = true,
                Ok(Came::All) => {}
                Err(_) => self.close(now, engine, name),
            }
        }
        more
    }

    /// Sends a run on the connection of the tuple. What it has no room for, or has no connection, is lost.
    pub(super) fn send(&mut self, tuple: Tuple, run: &Run<'_>, dropped: &mut Dropped) {
        let found = self.names.get(&tuple);
        let Some((name, connection)) =
            found.and_then(|name| Some((*name, self.connections.get_mut(name)?)))
        else {
            dropped.tcp += run.count as u64;
            return;
        };
        let now = Instant::now();
        for datagram in run.contents.chunks(run.segment.max(1)) {
            dropped.tcp += u64::from(!connection.queue(now, datagram));
        }
        // An error is met again, and acted on, when the connection is read.
        dropped.tcp += connection.flush(now).unwrap_or(0);
        self.watch(name);
    }

    /// Cuts the connections whose time is up, and wakes listeners that rest; to be called once a turn.
    pub(super) fn sweep(&mut self, now: Time, engine: &mut Engine) {
        let clock = Instant::now();
        if clock < self.next_sweep {
            return;
        }
        self.next_sweep = clock + SWEEP;
        if self.resting {
            // An error leaves them at rest until the next time.
            let _ = self.rest(false);
        }
        let mut over = Vec::new();
        for (&name, connection) in &mut self.connections {
            note_proof(&mut self.admission, connection, clock, engine);
            if connection.is_over(clock) {
                over.push(name);
            }
        }
        for name in over {
            self.close(now, engine, name);
        }
    }

    fn accept(&mut self, clock: Instant, now: Time, engine: &mut Engine, index: usize) {
        for _ in 0..ACCEPTS {
            let Some(listener) = self.listeners.get(index) else {
                return;
            };
            match listener.accept() {
                Ok((io, remote)) => {
                    if self.admit(clock, now, engine, io, remote).is_err() {
                        engine.counters.tcp_refused += 1;
                    }
                }
                Err(error) => {
                    if !is_of_the_connection(&error) {
                        let _ = self.rest(true);
                        self.next_sweep = clock + SWEEP;
                    }
                    return;
                }
            }
        }
    }

    fn admit(
        &mut self,
        clock: Instant,
        now: Time,
        engine: &mut Engine,
        io: std::net::TcpStream,
        remote: SocketAddr,
    ) -> io::Result<()> {
        let source = Source::of(remote.ip());
        match self.admission.judge(source) {
            Verdict::Taken => {}
            Verdict::Refused => return Err(io::ErrorKind::QuotaExceeded.into()),
            Verdict::InPlaceOfOldest => {
                let strangers = self
                    .connections
                    .iter()
                    .filter_map(|(&name, connection)| Some((connection.unproven?, name)));
                if let Some((_, oldest)) = strangers.min() {
                    self.close(now, engine, oldest);
                }
            }
        }
        let tuple = Tuple {
            protocol: tuple::Protocol::Tcp,
            local: io.local_addr()?,
            remote,
        };
        let connection = Connection::new(clock, io, tuple, source)?;
        // The same addresses again: of the older connection the client knows no more.
        if let Some(&older) = self.names.get(&tuple) {
            self.close(now, engine, older);
        }
        self.last += 1;
        let name = self.last;
        let data = epoll::EventData::new_u64(name);
        epoll::add(&self.epoll, &connection, data, epoll::EventFlags::IN)?;
        if self.connections.is_empty() {
            self.next_sweep = clock + SWEEP;
        }
        engine.counters.tcp_accepted += 1;
        self.admission.add(source);
        self.names.insert(tuple, name);
        self.connections.insert(name, connection);
        Ok(())
    }

    fn serve(
        &mut self,
        clock: Instant,
        now: Time,
        engine: &mut Engine,
        name: u64,
    ) -> io::Result<Came> {
        let Some(connection) = self.connections.get_mut(&name) else {
            return Ok(Came::All);
        };
        let tuple = connection.tuple;
        let deliver = |datagram: &mut [u8]| engine.receive(now, tuple, datagram);
        let came = connection.read(clock, &mut self.buffer, deliver)?;
        note_proof(&mut self.admission, connection, clock, engine);
        if connection.wants_to_write() {
            engine.counters.tcp_dropped += connection.flush(clock)?;
            self.watch(name);
        }
        Ok(came)
    }

    /// Has the system tell when the reader takes more, as long as something waits for it.
    fn watch(&mut self, name: u64) {
        let Some(connection) = self.connections.get_mut(&name) else {
            return;
        };
        let watched = connection.wants_to_write();
        if watched == connection.watched {
            return;
        }
        connection.watched = watched;
        let mut flags = epoll::EventFlags::IN;
        flags.set(epoll::EventFlags::OUT, watched);
        // Fails only for a descriptor that is not there.
        let _ = epoll::modify(
            &self.epoll,
            &*connection,
            epoll::EventData::new_u64(name),
            flags,
        );
    }

    fn close(&mut self, now: Time, engine: &mut Engine, name: u64) {
        let Some(connection) = self.connections.remove(&name) else {
            return;
        };
        self.names.remove(&connection.tuple);
        self.admission
            .remove(connection.source, connection.unproven.is_none());
        engine.close_tuple(now, connection.tuple);
        engine.counters.tcp_closed += 1;
    }

    fn rest(&mut self, resting: bool) -> io::Result<()> {
        if self.resting == resting {
            return Ok(());
        }
        for (index, listener) in self.listeners.iter().enumerate() {
            if resting {
                epoll::delete(&self.epoll, listener)?;
            } else {
                let data = epoll::EventData::new_u64(index as u64);
                epoll::add(&self.epoll, listener, data, epoll::EventFlags::IN)?;
            }
        }
        self.resting = resting;
        Ok(())
    }
}

/// Readable when there is something to do.
impl AsFd for Streams {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

/// Datagrams that were not sent.
#[derive(Default)]
pub(super) struct Dropped {
    pub(super) udp: u64,
    pub(super) tcp: u64,
}

/// Keeps the account of whom ICE knows.
fn note_proof(
    admission: &mut Admission,
    connection: &mut Connection,
    clock: Instant,
    engine: &Engine,
) {
    let proven = engine.knows(connection.tuple);
    if proven != connection.unproven.is_none() {
        connection.unproven = (!proven).then_some(clock);
        admission.prove(connection.source, proven);
    }
}

/// Of the one connection, which is gone already, or nothing at all; any other error of a listener meets the next call too.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted
    )
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let io = socket2::Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if matches!(address.ip(), IpAddr::V6(_)) {
        io.set_only_v6(true)?;
    }
    // After a restart connections of the last run may linger; it shares the port with no other listener.
    io.set_reuse_address(true)?;
    io.bind(&address.into())?;
    io.listen(BACKLOG)?;
    io.set_nonblocking(true)?;
    Ok(io.into())
}

#[cfg(test)]
mod tests;
