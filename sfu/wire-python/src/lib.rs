//! `sfu._wire`: the engine for Python, once on a thread with real sockets and once in virtual time.

mod convert;

use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use venterom_wire::command::Route;
use venterom_wire::counters::Counters;
use venterom_wire::engine::{Config, Engine};
use venterom_wire::shard::{self, Shard};
use venterom_wire::time::Time;
use venterom_wire::tuple::{Protocol, Tuple};

use convert::EventTuple;

/// An address as Python's sockets write it.
type Address = (String, u16);
/// Track, viewer, slot.
type RouteTuple = (u32, u32, u16);
type Datagram = (Address, Address, Py<PyBytes>);

fn route_tuples(routes: Vec<Route>) -> Vec<RouteTuple> {
    routes
        .into_iter()
        .map(|route| (route.track.0, route.viewer.0, route.slot.0))
        .collect()
}

/// What can be asked of an engine at any time: counters in the order of `COUNTERS`, bytes held for retransmission,
/// peers, all routes, routes through which media passes.
type Snapshot = (Vec<u64>, usize, Vec<u32>, Vec<RouteTuple>, Vec<RouteTuple>);

fn snapshot(engine: &mut Engine) -> Snapshot {
    (
        engine.counters.values(),
        engine.history_bytes(),
        engine.peers().into_iter().map(|peer| peer.0).collect(),
        route_tuples(engine.routes()),
        route_tuples(engine.open_routes()),
    )
}

/// What can be read often: counters in the order of `COUNTERS`, bytes held for retransmission, and microseconds of CPU
/// that the media thread has used.
type Statistics = (Vec<u64>, usize, u64);

fn statistics(engine: &Engine, cpu: Duration) -> Statistics {
    (
        engine.counters.values(),
        engine.history_bytes(),
        cpu.as_micros() as u64,
    )
}

/// A media thread with its sockets.
#[pyclass(frozen, module = "sfu._wire")]
struct ThreadWire {
    shard: std::sync::RwLock<Option<Shard>>,
}

impl ThreadWire {
    fn with<T>(&self, use_it: impl FnOnce(&Shard) -> T) -> PyResult<T> {
        let guard = self.shard.read().map_err(|_| closed())?;
        guard.as_ref().map(use_it).ok_or_else(closed)
    }
}

fn closed() -> PyErr {
    PyRuntimeError::new_err("the media thread has been closed")
}

fn ended() -> PyErr {
    PyRuntimeError::new_err("the media thread has ended by a bug; its panic is on stderr")
}

#[pymethods]
impl ThreadWire {
    #[new]
    fn new(port: u16, tcp_ports: Vec<u16>, seed: u64) -> PyResult<Self> {
        let config = shard::Config {
            port,
            tcp_ports,
            seed,
        };
        let shard = Shard::start(config).map_err(|error| PyOSError::new_err(error.to_string()))?;
        Ok(Self {
            shard: std::sync::RwLock::new(Some(shard)),
        })
    }

    #[getter]
    fn port(&self) -> PyResult<u16> {
        self.with(Shard::port)
    }

    #[getter]
    fn tcp_ports(&self) -> PyResult<Vec<u16>> {
        self.with(|shard| shard.tcp_ports().to_vec())
    }

    #[getter]
    fn raised_priority(&self) -> PyResult<bool> {
        self.with(Shard::raised_priority)
    }

    /// Descriptor that is readable when there are events.
    fn fileno(&self) -> PyResult<i32> {
        self.with(|shard| shard.notifier().as_raw_fd())
    }

    fn apply(&self, command: &Bound<'_, PyAny>) -> PyResult<()> {
        let command = convert::command(command)?;
        self.with(|shard| shard.apply(command))?
            .map_err(|_| ended())
    }

    fn events(&self, py: Python<'_>) -> PyResult<Vec<EventTuple>> {
        let events = self.with(Shard::drain_events)?.map_err(|_| ended())?;
        Ok(events
            .into_iter()
            .map(|event| convert::event(py, event))
            .collect())
    }

    fn snapshot(&self, py: Python<'_>) -> PyResult<Snapshot> {
        py.detach(|| self.with(|shard| shard.inspect(snapshot)))?
            .map_err(|_| ended())
    }

    fn statistics(&self, py: Python<'_>) -> PyResult<Statistics> {
        py.detach(|| {
            self.with(|shard| shard.inspect(|engine| statistics(engine, shard::cpu_time())))
        })?
        .map_err(|_| ended())
    }

    /// Ends the thread and closes its sockets.
    fn close(&self, py: Python<'_>) {
        py.detach(|| {
            if let Ok(mut guard) = self.shard.write() {
                guard.take();
            }
        });
    }
}

/// The engine in virtual time: the caller is the network and the clock.
#[pyclass(module = "sfu._wire")]
struct VirtualWire {
    engine: Engine,
}

#[pymethods]
impl VirtualWire {
    #[new]
    fn new(ntp_at_zero: u64, seed: u64) -> Self {
        Self {
            engine: Engine::new(Config { ntp_at_zero, seed }),
        }
    }

    fn apply(&mut self, now: u64, command: &Bound<'_, PyAny>) -> PyResult<()> {
        self.engine
            .apply(Time::from_micros(now), convert::command(command)?);
        Ok(())
    }

    fn receive(
        &mut self,
        now: u64,
        local: Address,
        remote: Address,
        datagram: &[u8],
    ) -> PyResult<()> {
        let tuple = Tuple {
            protocol: Protocol::Udp,
            local: socket_address(&local)?,
            remote: socket_address(&remote)?,
        };
        self.engine
            .receive(Time::from_micros(now), tuple, &mut datagram.to_vec());
        Ok(())
    }

    fn handle_timeout(&mut self, now: u64) {
        self.engine.handle_timeout(Time::from_micros(now));
    }

    fn next_timeout(&self) -> Option<u64> {
        self.engine.next_timeout().map(Time::as_micros)
    }

    fn transmits(&mut self, py: Python<'_>) -> Vec<Datagram> {
        let mut datagrams = Vec::new();
        self.engine.drain_transmits(|tuple, run| {
            for contents in run.contents.chunks(run.segment.max(1)) {
                let bytes = PyBytes::new(py, contents).unbind();
                datagrams.push((
                    python_address(tuple.local),
                    python_address(tuple.remote),
                    bytes,
                ));
            }
        });
        datagrams
    }

    fn events(&mut self, py: Python<'_>) -> Vec<EventTuple> {
        let events = self.engine.drain_events();
        self.engine.events_taken();
        events
            .into_iter()
            .map(|event| convert::event(py, event))
            .collect()
    }

    fn statistics(&self) -> Statistics {
        statistics(&self.engine, Duration::ZERO)
    }

    fn snapshot(&mut self) -> Snapshot {
        snapshot(&mut self.engine)
    }
}

fn socket_address((host, port): &Address) -> PyResult<SocketAddr> {
    let ip: IpAddr = host
        .parse()
        .map_err(|_| PyValueError::new_err("not an IP address"))?;
    Ok(SocketAddr::new(ip, *port))
}

fn python_address(address: SocketAddr) -> Address {
    (address.ip().to_string(), address.port())
}

#[pymodule]
fn _wire(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("COUNTERS", Counters::NAMES.to_vec())?;
    module.add_class::<ThreadWire>()?;
    module.add_class::<VirtualWire>()
}
