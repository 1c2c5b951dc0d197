//! The UDP sockets of a media thread: one port, IPv4 and IPv6, with segmentation offload where the system has it.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Type};

use crate::engine::outbox::Run;
use crate::tuple::{self, Tuple};

/// What one receive call can bring, with offload: the largest datagram the kernel joins.
const BUFFER: usize = 65_536;
const BUFFERS: usize = 8;
/// Receive calls of one socket in a turn; then the others, the timers and the sending have their time.
const CALLS_A_TURN: usize = 8;
/// Kernel buffers asked for: half a second of a busy server.
const KERNEL_BUFFER: usize = 4 << 20;
/// Free ports tried before giving up: the one that IPv4 got may be taken in IPv6.
const TRIES: usize = 16;

struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    v4: bool,
}

pub(super) struct Sockets {
    sockets: Vec<Socket>,
    port: u16,
    buffers: Vec<Vec<u8>>,
}

impl Sockets {
    /// Binds the port on all addresses. A system without IPv6 gets IPv4 alone.
    pub(super) fn bind(port: u16) -> io::Result<Self> {
        let mut tries = 0;
        loop {
            tries += 1;
            let v4 = Socket::bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port))?;
            let chosen = v4.io.local_addr()?.port();
            let mut sockets = vec![v4];
            match Socket::bind(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), chosen)) {
                Ok(v6) => sockets.push(v6),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    if port == 0 && tries < TRIES {
                        continue;
                    }
                    return Err(error);
                }
                Err(_) => {}
            }
            return Ok(Self {
                sockets,
                port: chosen,
                buffers: vec![vec![0; BUFFER]; BUFFERS],
            });
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.sockets.iter().map(|socket| socket.io.as_fd())
    }

    /// Hands over what has come, datagram by datagram; whether there may be more.
    pub(super) fn receive(&mut self, mut deliver: impl FnMut(Tuple, &mut [u8])) -> bool {
        let mut metas = [RecvMeta::default(); BUFFERS];
        let mut more = false;
        for socket in &self.sockets {
            for call in 1..=CALLS_A_TURN {
                let mut slices: Vec<IoSliceMut<'_>> = self
                    .buffers
                    .iter_mut()
                    .map(|buffer| IoSliceMut::new(buffer))
                    .collect();
                let received =
                    socket
                        .state
                        .recv(UdpSockRef::from(&socket.io), &mut slices, &mut metas);
                let Ok(count) = received else {
                    break;
                };
                for (meta, buffer) in metas.iter().take(count).zip(&mut self.buffers) {
                    let any = match meta.addr {
                        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
                    };
                    let local = meta.dst_ip.unwrap_or(any);
                    let tuple = Tuple {
                        protocol: tuple::Protocol::Udp,
                        local: SocketAddr::new(local, self.port),
                        remote: meta.addr,
                    };
                    let joined = buffer.get_mut(..meta.len).unwrap_or_default();
                    for datagram in joined.chunks_mut(meta.stride.max(1)) {
                        deliver(tuple, datagram);
                    }
                }
                if count < BUFFERS {
                    break;
                }
                more |= call == CALLS_A_TURN;
            }
        }
        more
    }

    /// Sends a run from the address that the peer knows; returns how many datagrams the system did not take.
    pub(super) fn send(&self, tuple: Tuple, run: &Run<'_>) -> u64 {
        let v4 = tuple.remote.is_ipv4();
        let Some(socket) = self.sockets.iter().find(|socket| socket.v4 == v4) else {
            return run.count as u64;
        };
        let most = socket.state.max_gso_segments().max(1) * run.segment.max(1);
        let mut lost = 0;
        for contents in run.contents.chunks(most) {
            let transmit = Transmit {
                destination: tuple.remote,
                ecn: None,
                contents,
                segment_size: (contents.len() > run.segment).then_some(run.segment),
                src_ip: Some(tuple.local.ip()),
            };
            // A full socket buffer loses the run like a full link would: retransmission and feedback see to it.
            if socket
                .state
                .try_send(UdpSockRef::from(&socket.io), &transmit)
                .is_err()
            {
                lost += contents.len().div_ceil(run.segment.max(1)) as u64;
            }
        }
        lost
    }
}

impl Socket {
    fn bind(address: SocketAddr) -> io::Result<Self> {
        let io = socket2::Socket::new(
            Domain::for_address(address),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        if address.is_ipv6() {
            io.set_only_v6(true)?;
        }
        // Larger buffers are a wish: the system's limit stands.
        let _ = io.set_recv_buffer_size(KERNEL_BUFFER);
        let _ = io.set_send_buffer_size(KERNEL_BUFFER);
        io.bind(&address.into())?;
        io.set_nonblocking(true)?;
        let io = UdpSocket::from(io);
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        plain_errors(&io, address.is_ipv4())?;
        Ok(Self {
            io,
            state,
            v4: address.is_ipv4(),
        })
    }
}

/// Undoes what suits QUIC and not an SFU: with queued ICMP errors one vanished receiver would fail the next send to somebody else,
/// and media may be fragmented on a narrow path rather than lost.
fn plain_errors(io: &UdpSocket, v4: bool) -> io::Result<()> {
    let options = if v4 {
        [
            (libc::IPPROTO_IP, libc::IP_RECVERR, 0),
            (
                libc::IPPROTO_IP,
                libc::IP_MTU_DISCOVER,
                libc::IP_PMTUDISC_DONT,
            ),
        ]
    } else {
        [
            (libc::IPPROTO_IPV6, libc::IPV6_RECVERR, 0),
            (
                libc::IPPROTO_IPV6,
                libc::IPV6_MTU_DISCOVER,
                libc::IPV6_PMTUDISC_DONT,
            ),
        ]
    };
    for (level, name, value) in options {
        let value: libc::c_int = value;
        // SAFETY: the descriptor is open, and the pointer and length describe `value`, which outlives the call.
        let result = unsafe {
            libc::setsockopt(
                io.as_raw_fd(),
                level,
                name,
                std::ptr::from_ref(&value).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            )
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
