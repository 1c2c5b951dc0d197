"""What a browser's fake camera and microphone show and say: files for Chromium's `--use-file-for-fake-*-capture`."""

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, RATE_FPS, RATE_HZ = 640, 360, 30, 48_000

Colour = tuple[int, int, int]
RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (235, 235, 235)
YELLOW, MAGENTA, CYAN, BLACK = (220, 220, 30), (220, 30, 220), (30, 220, 220), (16, 16, 16)


@dataclass(frozen=True, slots=True)
class Source:
    """A camera and a microphone, as files that Chromium loops."""

    video: Path
    audio: Path

    def arguments(self) -> list[str]:
        return [f"--use-file-for-fake-video-capture={self.video}", f"--use-file-for-fake-audio-capture={self.audio}"]


def quadrants(folder: Path, colours: tuple[Colour, Colour, Colour, Colour], tone_hz: float) -> Source:
    """A picture of four colours (top left, top right, bottom left, bottom right), and a pulsing tone.

    The tone pulses because noise suppression takes what is steady for noise.
    """
    rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for index, colour in enumerate(colours):
        top, left = (index // 2) * HEIGHT // 2, (index % 2) * WIDTH // 2
        rgb[top : top + HEIGHT // 2, left : left + WIDTH // 2] = colour
    frame = _planes(rgb)
    _write_y4m(folder / "quadrants.y4m", [frame] * RATE_FPS)
    _write_wav(folder / "tone.wav", _pulses(seconds=4.0, tone_hz=tone_hz, on_s=0.25, every_s=0.5))
    return Source(folder / "quadrants.y4m", folder / "tone.wav")


def flash_and_click(folder: Path) -> Source:
    """A white flash of 100 ms and a burst of 60 ms, once a second, in files of the same length."""
    dark, light = (
        _planes(np.full((HEIGHT, WIDTH, 3), 16, np.uint8)),
        _planes(np.full((HEIGHT, WIDTH, 3), 235, np.uint8)),
    )
    seconds = 4
    frames = [light if index % RATE_FPS < 3 else dark for index in range(seconds * RATE_FPS)]
    _write_y4m(folder / "flash.y4m", frames)
    _write_wav(folder / "click.wav", _pulses(seconds=seconds, tone_hz=1_500.0, on_s=0.06, every_s=1.0))
    return Source(folder / "flash.y4m", folder / "click.wav")


def _pulses(*, seconds: float, tone_hz: float, on_s: float, every_s: float) -> NDArray[np.int16]:
    at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    sound = 0.6 * np.sin(2 * np.pi * tone_hz * at) * (at % every_s < on_s)
    return (sound * 32_767).astype(np.int16)


def _planes(rgb: NDArray[np.uint8]) -> bytes:
    """4:2:0, BT.601 in the limited range, as cameras give it."""
    red, green, blue = (rgb[..., index].astype(np.float64) for index in range(3))
    y = 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255
    cb = 128 + (-37.797 * red - 74.203 * green + 112.0 * blue) / 255
    cr = 128 + (112.0 * red - 93.786 * green - 18.214 * blue) / 255
    return b"".join(plane.round().astype(np.uint8).tobytes() for plane in (y, cb[::2, ::2], cr[::2, ::2]))


def _write_y4m(path: Path, frames: list[bytes]) -> None:
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE_FPS}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in frames:
            file.write(b"FRAME\n" + frame)


def _write_wav(path: Path, samples: NDArray[np.int16]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
