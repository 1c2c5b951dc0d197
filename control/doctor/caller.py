"""A participant of the doctor's call: aiortc as the browser. Imported only for a call, since it loads FFmpeg."""

import asyncio
import math
import re
from array import array
from collections.abc import Coroutine, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, TypeVar

import aiohttp
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack, VideoStreamTrack
from av import AudioFrame, VideoFrame

_WIDTH: Final = 320
_HEIGHT: Final = 180
_RATE_HZ: Final = 48_000
_BLOCK: Final = 960
_HERTZ: Final = 400
_LOUD: Final = 16_000
_HEARD: Final = 2_000
"""Of 32,768: far above silence and comfort noise, far below what was sent."""
_TOLERANCE: Final = 16
"""Of 256, between the grey that was sent and the one that was decoded."""

_CANDIDATE: Final = re.compile(r"^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) ", re.MULTILINE | re.IGNORECASE)
"""RFC 8839 section 5.1."""

_T = TypeVar("_T")

LIMIT_S: Final = 15.0
"""How long a step may take."""


class StepError(Exception):
    """A step of the call that failed; `code` is the server's, or `timeout`."""

    def __init__(self, step: str, code: str) -> None:
        super().__init__(f"{step}: {code}")
        self.step = step
        self.code = code


class Caller:
    """One WebSocket and one PeerConnection; sends a grey picture and a tone once it is inside. Times are seconds."""

    def __init__(self, http: aiohttp.ClientSession, *, grey: int, expected: int) -> None:
        """`grey` (0 to 255) is what it sends, `expected` what it is to see."""
        self._http = http
        self._expected = expected
        self._tracks: tuple[MediaStreamTrack, ...] = (_Tone(), _Grey(grey))
        # Of other policies aiortc leaves the last section of an answer on a transport of its own, which never connects.
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._peer.on("track", self._arrives)
        self._peer.on("connectionstatechange", self._changes)
        self._loop = asyncio.get_running_loop()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._began = self._loop.time()
        self._connected: asyncio.Future[float] = self._loop.create_future()
        self._admitted: asyncio.Future[float] = self._loop.create_future()
        self._seen: asyncio.Future[float] = self._loop.create_future()
        self._heard: asyncio.Future[float] = self._loop.create_future()
        self.participant = ""
        self.ice_servers: Sequence[Mapping[str, Any]] = ()
        """As the server handed them out."""
        self.addresses: Sequence[tuple[str, int]] = ()
        """Where the server says that it takes media, by UDP."""

    async def enter(self, url: str, origin: str, grant: str) -> float:
        """Opens the WebSocket and joins; gives how long that took."""
        self._began = self._loop.time()
        try:
            self._socket = await asyncio.wait_for(
                self._http.ws_connect(url, protocols=("venterom.v1",), origin=origin, max_msg_size=0), LIMIT_S
            )
        except aiohttp.WSServerHandshakeError as error:
            raise StepError("websocket", f"HTTP status {error.status}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise StepError("websocket", type(error).__name__) from error
        self._begin(self._read(self._socket))
        self._begin(self._ping(self._socket))
        joined = await self._request("join", 1, type="join", grant=grant)
        took = self._loop.time() - self._began
        self.participant, self.ice_servers = joined["participant"], joined["ice_servers"]
        await self._negotiate(joined["slots"])
        return took

    async def connected(self) -> float:
        """Waits for the transport; gives when it stood, from the opening of the WebSocket on."""
        return await self._wait("transport", self._connected) - self._began

    async def admit(self, participant: str) -> None:
        """Lets somebody in."""
        await self._say(type="admit", participant=participant)

    async def admitted(self) -> float:
        """Waits until it is inside; gives when that was, by the loop's clock."""
        return await self._wait("admission", self._admitted)

    async def media(self, since: float) -> tuple[float, float]:
        """Waits until picture and sound of the other came decoded, as they were sent; how long that took each."""
        seen = await self._wait("picture", self._seen)
        heard = await self._wait("sound", self._heard)
        return max(0.0, seen - since), max(0.0, heard - since)

    async def close(self, *, end: bool) -> None:
        """Leaves, or ends the room for all."""
        await self._peer.close()
        if self._socket is not None and not self._socket.closed:
            await self._say(type="end" if end else "leave")
            await self._socket.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _negotiate(self, slots: dict[str, int]) -> None:
        for track in self._tracks:
            self._peer.addTransceiver(track.kind, direction="sendonly")
        for kind in ("audio", "video"):
            for _ in range(slots[kind]):
                self._peer.addTransceiver(kind, direction="recvonly")
        await self._peer.setLocalDescription(await self._peer.createOffer())
        sources = {"audio": "microphone", "video": "camera"}
        tracks = [
            {"mid": transceiver.mid, "kind": transceiver.kind, "source": sources[transceiver.kind]}
            for transceiver in self._peer.getTransceivers()[: len(self._tracks)]
        ]
        sdp = self._peer.localDescription.sdp
        answer = await self._request("offer", 2, type="offer", sdp=sdp, tracks=tracks)
        self.addresses = [(host, int(port)) for host, port in _CANDIDATE.findall(answer["sdp"])]
        await self._peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        self._send_media()

    def _send_media(self) -> None:
        """Once both are true: it is inside, and there is something to send by."""
        if self._admitted.done():
            for sender, track in zip(self._peer.getSenders(), self._tracks, strict=False):
                sender.replaceTrack(track)

    async def _request(self, step: str, number: int, **message: Any) -> dict[str, Any]:
        self._replies[number] = reply = self._loop.create_future()
        await self._say(id=number, **message)
        found: dict[str, Any] = await self._wait(step, reply)
        if found["type"] == "error":
            raise StepError(step, str(found["code"]))
        return found

    async def _wait(self, step: str, future: "asyncio.Future[_T]") -> _T:
        try:
            return await asyncio.wait_for(asyncio.shield(future), LIMIT_S)
        except TimeoutError:
            raise StepError(step, "timeout") from None

    async def _say(self, **message: Any) -> None:
        if self._socket is not None:
            await self._socket.send_json(message)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(work))

    async def _ping(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await asyncio.sleep(4.0)
            await websocket.send_json({"type": "ping"})

    async def _read(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in websocket:
            fields = message.json()
            reply = self._replies.pop(fields.get("re", 0), None)
            if reply is not None:
                reply.set_result(fields)
            elif fields["type"] == "admitted":
                _note(self._admitted, self._loop.time())
                self._send_media()
        for reply in self._replies.values():
            if not reply.done():
                reply.set_result({"type": "error", "code": f"closed with {websocket.close_code}"})

    def _changes(self) -> None:
        if self._peer.connectionState == "connected":
            _note(self._connected, self._loop.time())

    def _arrives(self, track: MediaStreamTrack) -> None:
        self._begin(self._watch(track) if track.kind == "video" else self._listen(track))

    async def _watch(self, track: MediaStreamTrack) -> None:
        while not self._seen.done():
            frame = await track.recv()
            if isinstance(frame, VideoFrame) and abs(_brightness(frame) - self._expected) <= _TOLERANCE:
                _note(self._seen, self._loop.time())
        await _drain(track)

    async def _listen(self, track: MediaStreamTrack) -> None:
        while not self._heard.done():
            frame = await track.recv()
            if isinstance(frame, AudioFrame) and max(array("h", bytes(frame.planes[0]))) >= _HEARD:
                _note(self._heard, self._loop.time())
        await _drain(track)


async def _drain(track: MediaStreamTrack) -> None:
    """What nobody reads would pile up."""
    while True:
        await track.recv()


def _note(future: "asyncio.Future[float]", at: float) -> None:
    if not future.done():
        future.set_result(at)


def _brightness(frame: VideoFrame) -> int:
    """Of the middle of the picture."""
    luma = frame.reformat(format="yuv420p").planes[0]
    return bytes(luma)[luma.line_size * (frame.height // 2) + frame.width // 2]


class _Grey(VideoStreamTrack):
    """One grey, all over."""

    def __init__(self, grey: int) -> None:
        super().__init__()
        self._grey = grey

    async def recv(self) -> VideoFrame:
        at, base = await self.next_timestamp()
        frame = VideoFrame(_WIDTH, _HEIGHT, "yuv420p")
        for plane, value in zip(frame.planes, (self._grey, 128, 128), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts, frame.time_base = at, base
        return frame


class _Tone(MediaStreamTrack):
    """A tone without end: its period goes into a block without a rest."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        turn = 2 * math.pi * _HERTZ / _RATE_HZ
        self._samples = array("h", (int(_LOUD * math.sin(turn * at)) for at in range(_BLOCK))).tobytes()
        self._sent = 0
        self._began: float | None = None

    async def recv(self) -> AudioFrame:
        now = asyncio.get_running_loop().time()
        self._began = self._began or now
        await asyncio.sleep(max(0.0, self._began + self._sent / _RATE_HZ - now))
        frame = AudioFrame("s16", "mono", _BLOCK)
        frame.planes[0].update(self._samples)
        frame.pts, frame.sample_rate, frame.time_base = self._sent, _RATE_HZ, Fraction(1, _RATE_HZ)
        self._sent += _BLOCK
        return frame
