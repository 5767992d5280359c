"""How the sidecar's jobs sound: rows 0-28 to 0-30, on a model that changes its pace itself and on one that does not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest

from tests.e2e.sidecar import TOKEN, Sidecar, chunks, kinds, refused, sidecar, sound
from tests.e2e.talk import peak_hz
from tests.fakes.server_process import ServerPool, ServerProcess

TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps for a long while in the sun."


@pytest.fixture(scope="module")
def tone(servers: ServerPool) -> ServerProcess:
    return servers.get(("tone", "espeak"), api_key=TOKEN, max_lead_s=0)


@pytest.fixture
async def side(tone: ServerProcess) -> AsyncIterator[Sidecar]:
    async with sidecar(tone.url) as client:
        yield client


@pytest.fixture
async def espeak(servers: ServerPool) -> AsyncIterator[Sidecar]:
    server = servers.get(("espeak", "tone"), api_key=TOKEN, max_lead_s=0)
    async with sidecar(server.url) as client:
        yield client


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def pitch_hz(samples: np.ndarray, rate: int) -> float:
    """The median pitch of the voiced frames, 60 to 400 Hz, by autocorrelation."""
    found: list[float] = []
    frame, hop = rate // 50, rate // 100  # short: at rate 4 speech changes within 20 ms
    low, high = rate // 400, rate // 60
    for start in range(0, len(samples) - frame - high, hop):
        piece = samples[start : start + frame + high]
        if rms(piece) < 0.3 * rms(samples):
            continue
        piece = piece - piece.mean()
        head = piece[:frame]
        lags = np.array([np.dot(head, piece[lag : lag + frame]) for lag in range(high)])
        norms = np.array([np.linalg.norm(piece[lag : lag + frame]) for lag in range(high)]) * np.linalg.norm(head)
        likeness = lags / np.maximum(norms, 1e-9)
        best = low + int(np.argmax(likeness[low:high]))
        if likeness[best] > 0.8:
            found.append(rate / best)
    assert found, "nothing voiced"
    return float(np.median(found))


async def test_0_28_rate_keeps_pitch_tone(side: Sidecar) -> None:
    plain = sound(await side.say(TEXT))
    for rate in (0.25, 0.5, 2.0, 4.0):
        events = await side.say(TEXT, rate=rate)
        assert kinds(events)[-1] == "JOB_DONE"
        assert len(sound(events)) == pytest.approx(len(plain) / rate, rel=0.02)


async def test_0_28_rate_keeps_pitch_speech(espeak: Sidecar) -> None:
    events = await espeak.say(TEXT)
    rate_hz = chunks(events)[0]["audio"]["sample_rate"]
    plain = sound(events)
    base_hz = pitch_hz(plain, rate_hz)
    for rate in (0.25, 0.5, 2.0, 4.0):
        heard = sound(await espeak.say(TEXT, rate=rate))
        assert len(heard) == pytest.approx(len(plain) / rate, rel=0.02), rate
        assert pitch_hz(heard, rate_hz) == pytest.approx(base_hz, rel=0.12), "resampling would give 25 to 400 Hz"


async def test_0_29_volume(side: Sidecar, espeak: Sidecar) -> None:
    for one in (side, espeak):
        plain = sound(await one.say(TEXT))
        half = sound(await one.say(TEXT, volume=0.5))
        assert rms(half) == pytest.approx(rms(plain) / 2, rel=0.05)
        assert np.abs(sound(await one.say(TEXT, volume=0.0))).max() == 0.0
        double = sound(await one.say(TEXT, volume=2.0))
        assert rms(double) > 1.3 * rms(plain)
        assert np.abs(np.diff(double)).max() < 1.0, "nothing wraps around"


async def test_0_30_pitch_is_accepted_and_heard(side: Sidecar) -> None:
    plain = sound(await side.say("Hello there, you all."))
    events = await side.say("Hello there, you all.", pitch=1.2)
    assert kinds(events)[-1] == "JOB_DONE"
    assert len(sound(events)) == pytest.approx(len(plain), rel=0.02)
    assert 200 * 1.2 * 0.98 <= peak_hz(sound(events), 24_000) <= 1200 * 1.2 * 1.02


async def test_0_30_pitch_of_speech(espeak: Sidecar) -> None:
    events = await espeak.say(TEXT)
    rate_hz = chunks(events)[0]["audio"]["sample_rate"]
    high = sound(await espeak.say(TEXT, pitch=1.5))
    assert pitch_hz(high, rate_hz) == pytest.approx(1.5 * pitch_hz(sound(events), rate_hz), rel=0.15)
    assert len(high) == pytest.approx(len(sound(events)), rel=0.05)


@pytest.mark.parametrize("settings", [{"rate": 9}, {"rate": 0.2}, {"pitch": 2.5}, {"volume": -1}, {"volume": 2.1}])
async def test_0_30_ranges_are_enforced(side: Sidecar, settings: dict[str, float]) -> None:
    error = refused(await side.post("/v1/speak", text="Hi.", settings=settings), 400, "INVALID_REQUEST")
    (field,) = error["details"]["errors"]
    assert field["loc"] == ["body", "settings", next(iter(settings))]


async def test_the_language_chooses_the_voice(espeak: Sidecar) -> None:
    german, english = sound(await espeak.say("Ein Stern.", language="de")), sound(await espeak.say("Ein Stern."))
    assert len(german) != len(english)
    for tag in ("de-DE", "en-GB", "auto", "pt_BR"):
        assert kinds(await espeak.say("Hallo.", language=tag))[-1] == "JOB_DONE"
    refused(await espeak.post("/v1/speak", text="Hi.", language="tlh"), 400, "INVALID_REQUEST")
