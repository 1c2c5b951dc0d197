//! Between `sfu/commands.py` and the wire's commands, and from the wire's events to tuples.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use venterom_wire::codec;
use venterom_wire::command as wire;
use venterom_wire::event::Event;
use venterom_wire::ice::Credentials;

/// Name of the event, its subject's id, and what else it says.
pub(crate) type EventTuple = (&'static str, u32, Option<Content>);

/// A datagram, or tracks with their levels.
#[derive(IntoPyObject)]
pub(crate) enum Content {
    Datagram(Py<PyBytes>),
    Levels(Vec<(u32, u8)>),
}

#[derive(FromPyObject)]
struct Codec {
    name: String,
    format: String,
    payload_type: u8,
    clock_rate: u32,
    rtx_payload_type: Option<u8>,
}

#[derive(FromPyObject)]
struct Extensions {
    mid: Option<u8>,
    rid: Option<u8>,
    repaired_rid: Option<u8>,
    transport_cc: Option<u8>,
    abs_send_time: Option<u8>,
    audio_level: Option<u8>,
}

#[derive(FromPyObject)]
struct Encoding {
    rid: Option<String>,
    ssrc: Option<u32>,
    rtx_ssrc: Option<u32>,
}

#[derive(FromPyObject)]
struct ReceiveTrack {
    track: u32,
    mid: String,
    kind: String,
    codecs: Vec<Codec>,
    extensions: Extensions,
    encodings: Vec<Encoding>,
    nack: bool,
    pli: bool,
    transport_cc: bool,
}

#[derive(FromPyObject)]
struct SendSlot {
    slot: u16,
    kind: String,
    ssrc: u32,
    rtx_ssrc: Option<u32>,
    cname: String,
    codecs: Vec<Codec>,
    extensions: Extensions,
}

#[derive(FromPyObject)]
struct Route {
    track: u32,
    viewer: u32,
    slot: u16,
}

#[derive(FromPyObject)]
struct OpenPeer {
    peer: u32,
    room: u32,
    ufrag: String,
    pwd: String,
    remote_ufrag: String,
    ssrc: u32,
}

#[derive(FromPyObject)]
struct RestartIce {
    peer: u32,
    ufrag: String,
    pwd: String,
    remote_ufrag: String,
}

#[derive(FromPyObject)]
struct SendDtls {
    peer: u32,
    datagrams: Vec<Vec<u8>>,
}

#[derive(FromPyObject)]
struct SetKeys {
    peer: u32,
    profile: u16,
    local: Vec<u8>,
    remote: Vec<u8>,
}

#[derive(FromPyObject)]
struct SetSections {
    peer: u32,
    tracks: Vec<ReceiveTrack>,
    slots: Vec<SendSlot>,
}

#[derive(FromPyObject)]
struct SetGate {
    peer: u32,
    open: bool,
}

#[derive(FromPyObject)]
struct SetMute {
    track: u32,
    muted: bool,
}

#[derive(FromPyObject)]
struct SetRoutes {
    room: u32,
    routes: Vec<Route>,
}

#[derive(FromPyObject)]
struct ClosePeer {
    peer: u32,
}

/// The wire's command for one of `sfu/commands.py`.
///
/// # Errors
/// `TypeError` for any other class, `ValueError` for a kind or codec that the wire does not know.
pub(crate) fn command(command: &Bound<'_, PyAny>) -> PyResult<wire::Command> {
    use wire::PeerId;

    let name = command.get_type().name()?;
    Ok(match name.to_cow()?.as_ref() {
        "OpenPeer" => {
            let it: OpenPeer = command.extract()?;
            wire::Command::OpenPeer {
                peer: PeerId(it.peer),
                room: wire::RoomId(it.room),
                local: Credentials {
                    ufrag: it.ufrag,
                    pwd: it.pwd,
                },
                remote_ufrag: it.remote_ufrag,
                ssrc: it.ssrc,
            }
        }
        "RestartIce" => {
            let it: RestartIce = command.extract()?;
            wire::Command::RestartIce {
                peer: PeerId(it.peer),
                local: Credentials {
                    ufrag: it.ufrag,
                    pwd: it.pwd,
                },
                remote_ufrag: it.remote_ufrag,
            }
        }
        "SendDtls" => {
            let it: SendDtls = command.extract()?;
            wire::Command::SendDtls {
                peer: PeerId(it.peer),
                datagrams: it.datagrams,
            }
        }
        "SetKeys" => {
            let it: SetKeys = command.extract()?;
            wire::Command::SetKeys {
                peer: PeerId(it.peer),
                keys: wire::Keys {
                    profile: it.profile,
                    local: it.local,
                    remote: it.remote,
                },
            }
        }
        "SetSections" => {
            let it: SetSections = command.extract()?;
            wire::Command::SetSections {
                peer: PeerId(it.peer),
                tracks: it
                    .tracks
                    .into_iter()
                    .map(receive_track)
                    .collect::<PyResult<_>>()?,
                slots: it
                    .slots
                    .into_iter()
                    .map(send_slot)
                    .collect::<PyResult<_>>()?,
            }
        }
        "SetGate" => {
            let it: SetGate = command.extract()?;
            wire::Command::SetGate {
                peer: PeerId(it.peer),
                open: it.open,
            }
        }
        "SetMute" => {
            let it: SetMute = command.extract()?;
            wire::Command::SetMute {
                track: wire::TrackId(it.track),
                muted: it.muted,
            }
        }
        "SetRoutes" => {
            let it: SetRoutes = command.extract()?;
            let route = |route: Route| wire::Route {
                track: wire::TrackId(route.track),
                viewer: PeerId(route.viewer),
                slot: wire::SlotId(route.slot),
            };
            wire::Command::SetRoutes {
                room: wire::RoomId(it.room),
                routes: it.routes.into_iter().map(route).collect(),
            }
        }
        "ClosePeer" => {
            let it: ClosePeer = command.extract()?;
            wire::Command::ClosePeer {
                peer: PeerId(it.peer),
            }
        }
        other => return Err(PyTypeError::new_err(format!("not a command: {other}"))),
    })
}

fn kind(name: &str) -> PyResult<wire::Kind> {
    match name {
        "audio" => Ok(wire::Kind::Audio),
        "video" => Ok(wire::Kind::Video),
        _ => Err(PyValueError::new_err("kind is audio or video")),
    }
}

fn format(it: Codec) -> PyResult<wire::Format> {
    let codec =
        codec::Codec::parse(&it.name).ok_or_else(|| PyValueError::new_err("unknown codec"))?;
    Ok(wire::Format {
        codec,
        format: it.format,
        payload_type: it.payload_type,
        clock_rate: it.clock_rate,
        rtx_payload_type: it.rtx_payload_type,
    })
}

fn extensions(it: &Extensions) -> wire::Extensions {
    wire::Extensions {
        mid: it.mid,
        rid: it.rid,
        repaired_rid: it.repaired_rid,
        transport_cc: it.transport_cc,
        abs_send_time: it.abs_send_time,
        audio_level: it.audio_level,
    }
}

fn receive_track(it: ReceiveTrack) -> PyResult<wire::ReceiveTrack> {
    let encoding = |it: Encoding| wire::EncodingName {
        rid: it.rid,
        ssrc: it.ssrc,
        rtx_ssrc: it.rtx_ssrc,
    };
    Ok(wire::ReceiveTrack {
        track: wire::TrackId(it.track),
        mid: it.mid,
        kind: kind(&it.kind)?,
        formats: it.codecs.into_iter().map(format).collect::<PyResult<_>>()?,
        extensions: extensions(&it.extensions),
        encodings: it.encodings.into_iter().map(encoding).collect(),
        nack: it.nack,
        pli: it.pli,
        transport_cc: it.transport_cc,
    })
}

fn send_slot(it: SendSlot) -> PyResult<wire::SendSlot> {
    Ok(wire::SendSlot {
        slot: wire::SlotId(it.slot),
        kind: kind(&it.kind)?,
        ssrc: it.ssrc,
        rtx_ssrc: it.rtx_ssrc,
        cname: it.cname,
        formats: it.codecs.into_iter().map(format).collect::<PyResult<_>>()?,
        extensions: extensions(&it.extensions),
    })
}

pub(crate) fn event(py: Python<'_>, event: Event) -> EventTuple {
    match event {
        Event::DtlsReceived { peer, datagram } => {
            let datagram = PyBytes::new(py, &datagram).unbind();
            ("DtlsReceived", peer.0, Some(Content::Datagram(datagram)))
        }
        Event::Validated { peer } => ("Validated", peer.0, None),
        Event::PathChanged { peer } => ("PathChanged", peer.0, None),
        Event::ConsentLost { peer } => ("ConsentLost", peer.0, None),
        Event::ConsentRegained { peer } => ("ConsentRegained", peer.0, None),
        Event::TrackStarted { track } => ("TrackStarted", track.0, None),
        Event::Levels { levels } => {
            let levels = levels.into_iter().map(|(track, level)| (track.0, level));
            ("Levels", 0, Some(Content::Levels(levels.collect())))
        }
    }
}
