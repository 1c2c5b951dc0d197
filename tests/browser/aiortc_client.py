"""A person without a browser: aiortc and the protocol of `signalling/PROTOCOL.md`, in a process of its own.

`python -m tests.browser.aiortc_client LINK QUARTERS HERTZ` opens a link of the lab or with a grant, shows four colours,
and plays a pulsing tone.
Commands on standard input (`benchmarks.lines`): `join`, `is_in`, `admit`, `see`, `hear`.
"""

import asyncio
import sys
from collections import deque
from fractions import Fraction
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import aiohttp
import numpy as np
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack, VideoStreamTrack
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

from benchmarks import lines
from benchmarks.lines import Fields

WIDTH, HEIGHT, RATE_HZ, BLOCK = 320, 180, 48_000, 960
_LISTENED_S: Final = 1.0


class Picture(VideoStreamTrack):
    """Four colours in their quarters, written as `#rrggbb`."""

    def __init__(self, colours: list[str]) -> None:
        super().__init__()
        self._pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for index, colour in enumerate(colours):
            top, left = (index // 2) * HEIGHT // 2, (index % 2) * WIDTH // 2
            self._pixels[top : top + HEIGHT // 2, left : left + WIDTH // 2] = tuple(bytes.fromhex(colour[1:]))

    async def recv(self) -> VideoFrame:
        at, base = await self.next_timestamp()
        frame = VideoFrame.from_ndarray(self._pixels, format="rgb24")
        frame.pts, frame.time_base = at, base
        return frame


class Tone(MediaStreamTrack):
    """A quarter of a second of sound, a quarter of silence, and so on."""

    kind = "audio"

    def __init__(self, hertz: float) -> None:
        super().__init__()
        at = np.arange(RATE_HZ // 2) / RATE_HZ
        self._pulse = (16_000 * np.sin(2 * np.pi * hertz * at) * (at < 0.25)).astype(np.int16)
        self._sent = 0
        self._began: float | None = None

    async def recv(self) -> AudioFrame:
        now = asyncio.get_running_loop().time()
        self._began = self._began or now
        await asyncio.sleep(max(0.0, self._began + self._sent / RATE_HZ - now))
        block = self._pulse[np.arange(self._sent, self._sent + BLOCK) % len(self._pulse)]
        frame = AudioFrame.from_ndarray(block[np.newaxis], format="s16", layout="mono")
        frame.pts, frame.sample_rate, frame.time_base = self._sent, RATE_HZ, Fraction(1, RATE_HZ)
        self._sent += BLOCK
        return frame


class Client:
    """One WebSocket and one PeerConnection."""

    def __init__(self, session: aiohttp.ClientSession, link: str, picture: Picture, tone: Tone) -> None:
        self._session = session
        self._link = link
        self._own: Final = (tone, picture)
        # Of other policies aiortc leaves the last section of an answer on a transport of its own, which never connects.
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._peer.on("track", self._arrives)
        self._tasks: set[asyncio.Task[None]] = set()
        self._replies: dict[int, asyncio.Future[Fields]] = {}
        self._changed = asyncio.Condition()
        self._state = "preview"
        self._waiting: list[str] = []
        self._frames = 0
        self._frame: VideoFrame | None = None
        self._sound: deque[NDArray[np.float64]] = deque(maxlen=int(_LISTENED_S * RATE_HZ / BLOCK))

    async def join(self, _: Fields) -> Fields:
        """By the link's grant, as a page; the senders are silent until we are inside."""
        url = urlsplit(self._link)
        origin = f"{url.scheme}://{url.netloc}"
        token, path = await self._grant(origin, url.fragment)
        self._socket = await self._session.ws_connect(
            f"{origin}{path}", protocols=("venterom.v1",), origin=origin, max_msg_size=0
        )
        self._begin(self._read())
        self._begin(self._ping())
        joined = await self._request(1, type="join", grant=token)
        for track in self._own:
            self._peer.addTransceiver(track.kind, direction="sendonly")
        for kind in ("audio", "video"):
            for _slot in range(joined["slots"][kind]):
                self._peer.addTransceiver(kind, direction="recvonly")
        await self._peer.setLocalDescription(await self._peer.createOffer())
        sources = {"audio": "microphone", "video": "camera"}
        tracks = [
            {"mid": transceiver.mid, "kind": transceiver.kind, "source": sources[transceiver.kind]}
            for transceiver in self._peer.getTransceivers()[:2]
        ]
        reply = await self._request(2, type="offer", sdp=self._peer.localDescription.sdp, tracks=tracks)
        await self._peer.setRemoteDescription(RTCSessionDescription(reply["sdp"], "answer"))
        self._stand(self._state)
        return {}

    async def _grant(self, origin: str, fragment: str) -> tuple[str, str]:
        """The grant, and the path of the WebSocket."""
        held = parse_qs(fragment)
        if "grant" in held:
            return held["grant"][0], urlsplit(held["ws"][0]).path
        asked = {"token": held["lab"][0]}
        async with self._session.post(f"{origin}/api/v1/lab/links", json=asked, headers={"Origin": origin}) as answer:
            answer.raise_for_status()
            granted = await answer.json()
        return granted["grant"], urlsplit(granted["ws_url"]).path

    async def is_in(self, fields: Fields) -> Fields:
        """Waits for a state, named as the pages name it."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._state == fields["state"])
        return {}

    async def admit(self, _: Fields) -> Fields:
        """Lets in whoever waits longest, once somebody waits."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting)
        await self._socket.send_json({"type": "admit", "participant": self._waiting[0]})
        return {}

    async def see(self, _: Fields) -> Fields:
        """How many frames came, and the last of them in 8 x 8 fields, row by row."""
        if self._frame is None:
            return {"frames": 0, "fields": []}
        pixels = self._frame.to_ndarray(format="rgb24")
        height, width, _channels = pixels.shape
        fields = pixels[height // 16 :: height // 8, width // 16 :: width // 8][:8, :8]
        return {"frames": self._frames, "fields": fields.reshape(-1, 3).tolist()}

    async def hear(self, _: Fields) -> Fields:
        """The loudest frequency (Hz) of the last second, and its level (dB below full scale)."""
        if not self._sound:
            return {"hertz": 0.0, "decibel": -200.0}
        sound = np.concatenate(self._sound)
        strengths = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) * 4 / len(sound)
        loudest = int(strengths.argmax())
        return {
            "hertz": loudest * RATE_HZ / len(sound),
            "decibel": float(20 * np.log10(strengths[loudest] + 1e-10)),
        }

    async def close(self) -> None:
        """The server may find out by itself."""
        await self._peer.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Any) -> None:
        self._tasks.add(asyncio.create_task(work))

    async def _request(self, number: int, **message: Any) -> Fields:
        self._replies[number] = reply = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, **message})
        found: Fields = await reply
        return found

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(4.0)
            await self._socket.send_json({"type": "ping"})

    async def _read(self) -> None:
        async for message in self._socket:
            fields = message.json()
            if fields["type"] == "error":
                print(f"aiortc client: {fields['code']}: {fields['message']}", file=sys.stderr)
            if fields.get("re") in self._replies:
                self._replies.pop(fields["re"]).set_result(fields)
            async with self._changed:
                self._hear_of(fields)
                self._changed.notify_all()

    def _hear_of(self, fields: Fields) -> None:
        match fields:
            case {"type": "lobby"}:
                self._stand("lobby")
            case {"type": "admitted" | "resumed"}:
                self._stand("call")
            case {"type": "paused" | "ended" as state}:
                self._stand(state)
            case {"type": "participants", "participants": participants}:
                self._waiting = [one["id"] for one in participants if one["state"] == "lobby"]
            case _:
                pass

    def _stand(self, state: str) -> None:
        self._state = state
        for sender, track in zip(self._peer.getSenders(), self._own, strict=False):
            sender.replaceTrack(track if state == "call" else None)

    def _arrives(self, track: MediaStreamTrack) -> None:
        self._begin(self._watch(track) if track.kind == "video" else self._listen(track))

    async def _watch(self, track: MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            assert isinstance(frame, VideoFrame)
            self._frame = frame
            self._frames += 1

    async def _listen(self, track: MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            assert isinstance(frame, AudioFrame)
            channels = len(frame.layout.channels)
            self._sound.append(frame.to_ndarray().reshape(-1, channels)[:, 0] / 32_768)


async def main(link: str, quarters: str, hertz: str) -> None:
    async with aiohttp.ClientSession() as session:
        client = Client(session, link, Picture(quarters.split(",")), Tone(float(hertz)))
        handlers = (client.join, client.is_in, client.admit, client.see, client.hear)
        try:
            await lines.serve({handler.__name__: handler for handler in handlers}, {})
        finally:
            await client.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
