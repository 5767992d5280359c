"""The loudspeaker: through ``sounddevice`` where it is installed and finds a device, else through a player on PATH."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from syrinx.core.errors import ModelFailed, ModelNotReady

ADVICE = "pip install 'syrinx-tts[play]', or install alsa-utils, pulseaudio-utils or ffmpeg; or name a file with -o"

PLAYERS: Sequence[tuple[str, str]] = (
    ("pacat", "--playback --raw --format=s16le --channels=1 --rate={rate} --latency-msec=50"),
    ("aplay", "-q -t raw -f S16_LE -c 1 -r {rate} -"),
    ("ffplay", "-nodisp -autoexit -loglevel error -f s16le -ar {rate} -ch_layout mono -i -"),
    ("play", "-q -t raw -e signed-integer -b 16 -c 1 -r {rate} -"),
)
"""Programs that play raw 16-bit mono from stdin as it comes, the one that starts fastest first."""


PLAYER_GRACE_S = 10.0
"""A player that lives this much longer than its audio hangs."""


class Player(Protocol):
    """Plays 16-bit little-endian mono."""

    def write(self, data: bytes) -> None:
        """Play ``data`` after what was written before; blocks while the device is full."""
        ...

    def close(self) -> None:
        """Return when everything was heard."""
        ...


@dataclass(frozen=True, slots=True)
class Loudspeaker:
    """A way to be heard."""

    name: str
    open: Callable[[int], Player]
    """From a sample rate in hertz."""


def find_loudspeaker(which: Callable[[str], str | None] = shutil.which) -> Loudspeaker | None:
    """The best way to be heard on this machine, or None."""
    device = _sound_device()
    if device is not None:
        return Loudspeaker(device, _DevicePlayer)
    for program, arguments in PLAYERS:
        path = which(program)
        if path is not None:
            return Loudspeaker(program, partial(_ProgramPlayer, path, arguments))
    return None


def need_loudspeaker() -> Loudspeaker:
    """The best way to be heard. Raises ``ModelNotReady`` with advice where there is none."""
    speaker = find_loudspeaker()
    if speaker is None:
        raise ModelNotReady(f"There is no way to play sound here: {ADVICE}.")
    return speaker


def _sound_device() -> str | None:
    if importlib.util.find_spec("sounddevice") is None:
        return None
    try:
        import sounddevice  # type: ignore[import-not-found] - an optional extra
    except OSError:  # PortAudio itself is missing
        return None
    try:
        return f"sounddevice ({sounddevice.query_devices(kind='output')['name']})"
    except (sounddevice.PortAudioError, ValueError):  # no device
        return None


class _DevicePlayer:
    def __init__(self, sample_rate: int) -> None:
        import sounddevice  # type: ignore[import-not-found] - an optional extra

        self._stream: Any = sounddevice.RawOutputStream(samplerate=sample_rate, channels=1, dtype="int16")
        self._stream.start()

    def write(self, data: bytes) -> None:
        self._stream.write(data)

    def close(self) -> None:
        self._stream.stop()
        self._stream.close()


class _ProgramPlayer:
    def __init__(self, path: str, arguments: str, sample_rate: int) -> None:
        self._name = path
        self._sample_rate = sample_rate
        self._written = 0
        self._process = subprocess.Popen([path, *arguments.format(rate=sample_rate).split()], stdin=subprocess.PIPE)

    def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._written += len(data)
        try:
            self._process.stdin.write(data)
        except BrokenPipeError:
            raise ModelFailed(f"{self._name} ended before the speech did (see its message above).") from None

    def close(self) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended already; its status tells why
        audio_s = self._written / 2 / self._sample_rate
        try:
            status = self._process.wait(audio_s + PLAYER_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        if status != 0:
            raise ModelFailed(f"{self._name} failed with status {status}.")
