"""What speaking a text came to, by a clock that moves only when it is told to."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.client.speakers import RATE, Pcm, Sound, Total
from syrinx.client.takes import Arrival, mean, percentile, take, told, without_primer
from syrinx.core.clock import FakeClock
from syrinx.core.errors import ModelFailed, Overloaded, SyrinxError

Script = Sequence[tuple[float, Pcm | int | SyrinxError]]
"""After so many seconds: sound, the total by the server's count, or an error."""


def pcm(count: int, value: int) -> Pcm:
    return np.full(count, value, np.int16)


class Scripted:
    """Speaks one script a text."""

    def __init__(self, clock: FakeClock, *scripts: Script) -> None:
        self._clock = clock
        self._scripts = list(scripts)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def speak(self, text: str) -> AsyncGenerator[Sound | Total, None]:
        for after_s, what in self._scripts.pop(0):
            self._clock.advance(after_s)
            if isinstance(what, SyrinxError):
                raise what
            yield Total(what) if isinstance(what, int) else Sound(what)


PRIMED: Script = [(0.25, pcm(256, 0)), (0.25, pcm(2400, 5)), (0.5, pcm(21_600, 900)), (0.5, 24_000)]


async def test_a_primer_is_no_first_byte_and_silence_is_not_audible() -> None:
    clock = FakeClock()
    result = await take(Scripted(clock, PRIMED), ["Hi."], clock)
    assert (result.ttfb_s, result.audible_s, result.wall_s) == (0.5, 1.0, 1.5)
    assert (result.audio_s, result.chunks, result.error, result.rejected) == (1.0, 2, None, False)


async def test_silence_that_the_server_counts_is_speech() -> None:
    clock = FakeClock()
    script: Script = [(0.25, pcm(256, 0)), (0.25, pcm(256, 900)), (0.0, 512)]
    result = await take(Scripted(clock, script), ["Hi."], clock)
    assert (result.ttfb_s, result.chunks, result.audio_s) == (0.25, 2, 512 / RATE)


async def test_sentences_are_one_transaction_whose_first_bytes_are_averaged() -> None:
    clock, heard = FakeClock(), list[int]()
    soon: Script = [(0.1, pcm(2400, 900))]
    late: Script = [(0.3, pcm(4800, 900))]
    result = await take(
        Scripted(clock, soon, late), ["One.", "Two."], clock, lambda samples: heard.append(len(samples))
    )
    assert result.ttfb_s == pytest.approx(0.2)
    assert (result.wall_s, result.audio_s, result.chunks) == (pytest.approx(0.4), pytest.approx(0.3), 2)
    assert heard == [2400, 4800]


@pytest.mark.parametrize(("error", "rejected"), [(Overloaded("Busy.", 1.0), True), (ModelFailed("Broken."), False)])
async def test_an_error_ends_the_transaction(error: SyrinxError, rejected: bool) -> None:
    clock = FakeClock()
    result = await take(Scripted(clock, [(0.1, pcm(10, 900))], [(0.1, error)], []), ["1", "2", "3"], clock)
    assert (result.error, result.rejected) == (error, rejected)


def test_no_sound_is_a_failure() -> None:
    assert isinstance(told([], 0, 1.0, None).error, ModelFailed)
    primer = Arrival(0.1, 256, silent=True, audible=False)
    assert isinstance(told([primer], 0, 1.0, None).error, ModelFailed)


def test_only_a_silent_first_piece_beyond_the_count_is_a_primer() -> None:
    silent, loud = Arrival(0.1, 256, True, False), Arrival(0.2, 100, False, True)
    assert without_primer([silent, loud], 100) == [loud]
    for arrivals, total in (([silent, loud], 356), ([silent, loud], None), ([loud, silent], 100), ([], 0)):
        assert without_primer(arrivals, total) == arrivals


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 100))
def test_a_percentile_is_that_of_numpy(values: list[float], percent: float) -> None:
    assert percentile(values, percent) == pytest.approx(float(np.percentile(values, percent)), abs=1e-6)


def test_of_nothing_there_is_no_figure() -> None:
    assert percentile([], 50) is None and mean([]) is None
