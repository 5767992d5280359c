"""The backend as a whole, on each source: speakers, options of a request, the end of a job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syrinx.core.errors import InvalidRequest, ModelNotReady, RunawayStopped, VoiceNotFound
from syrinx.core.types import SynthesisJob
from syrinx.models.base import Backend, ModelInfo
from syrinx.models.orpheus.backend import OrpheusBackend, longest_text
from syrinx.models.orpheus.engine import EngineSource
from syrinx.models.orpheus.frames import SAMPLES_PER_FRAME, tokens_of
from syrinx.models.orpheus.options import OrpheusOptions
from syrinx.models.orpheus.source import TokenSource
from syrinx.models.registry import create
from tests.models.orpheus.servers import Engine, Script, completions, event

from .case import make, options, tiny
from .weights import ANSWER, TINY_IDS

FRAMES = [tuple((97 * n + 13 * slot) % 4096 for slot in range(7)) for n in range(10)]
IDS = tokens_of(FRAMES, TINY_IDS["audio_base_id"])
STOP = TINY_IDS["stop_token_ids"][0]


@contextmanager
def loaded(backend: Backend) -> Iterator[tuple[Backend, ModelInfo]]:
    info = backend.load()
    try:
        yield backend, info
    finally:
        backend.unload()


def speak(backend: Backend, text: str = "Good morning.", voice: str = "tara", **changes: Any) -> list[np.ndarray]:
    """A job's chunks. Raises what it ended with."""
    steps, chunks = backend.stepped(), []
    steps.open(SynthesisJob("job", text, voice, "en", **changes))
    try:
        for _ in range(2000):
            (result,) = steps.step(["job"])
            if result.chunk is not None:
                chunks.append(result.chunk.samples)
            if result.error is not None:
                raise result.error
            if result.done:
                return chunks
        raise AssertionError("it did not end")
    finally:
        steps.close("job")


@pytest.mark.parametrize(("name", "count"), [("orpheus", 8), ("veena", 4)])
def test_4_08_every_speaker_speaks_and_sounds_different(name: str, count: int) -> None:
    with loaded(make(name)) as (backend, info):
        spoken = [np.concatenate(speak(backend, voice=voice.id)) for voice in info.voices]
        assert len({one.tobytes() for one in spoken}) == len(info.voices) == count
        with pytest.raises(VoiceNotFound):
            speak(backend, voice="nobody")


def test_4_07_a_request_has_its_own_sampling_and_no_other_has_it() -> None:
    with loaded(make()) as (backend, info):
        plain = np.concatenate(speak(backend))
        lively = np.concatenate(speak(backend, options={"temperature": 1.5, "top_p": 1.0}, seed=1))
        again = np.concatenate(speak(backend, options={"temperature": 1.5, "top_p": 1.0}, seed=1))
        assert np.array_equal(lively, again) and not np.array_equal(plain, lively)
        assert np.array_equal(plain, np.concatenate(speak(backend)))
        for name, value in {"temperature": 3, "top_p": 0, "repetition_penalty": 9, "max_tokens": "few"}.items():
            with pytest.raises(InvalidRequest) as caught:
                speak(backend, options={name: value})
            assert caught.value.param == name
        assert set(info.options_schema["properties"]) == {"temperature", "top_p", "repetition_penalty", "max_tokens"}


def test_a_request_may_bound_its_tokens_and_then_ends_there() -> None:
    with loaded(make()) as (backend, _):
        chunks = speak(backend, "word " * 40, options={"max_tokens": 21})
        assert sum(map(len, chunks)) == 3 * SAMPLES_PER_FRAME


def test_4_15_text_up_to_the_bound_is_spoken_to_its_end() -> None:
    with loaded(make()) as (backend, info):
        assert info.max_segment_chars == longest_text(2048) == 238
        for size in (60, info.max_segment_chars):
            tokens = ANSWER * (size + 11)  # as many as the tiny model says before it ends
            assert sum(map(len, speak(backend, "x" * size))) == pytest.approx(tokens / 7 * SAMPLES_PER_FRAME, rel=0.25)


def test_speech_that_does_not_end_is_an_error_and_not_a_silent_cut() -> None:
    stops = [TINY_IDS["custom_base_id"] + 7]
    with loaded(make(stop_token_ids=stops, context_tokens=1024, step_frames=16, hop_frames=64)) as (backend, _):
        with pytest.raises(RunawayStopped, match="1024 tokens"):
            speak(backend, "x" * 100)


def test_what_it_says_follows_its_options() -> None:
    with loaded(make(max_batch=1)) as (_, info):
        assert info.repeatable and not info.sampled
    with loaded(make(temperature=0.6, lookahead_frames=2)) as (_, other):
        assert other.sampled and not other.repeatable and other.revision != info.revision


def test_a_device_that_is_not_there_and_a_source_that_is_not_there_are_told() -> None:
    with pytest.raises(ModelNotReady, match="cuda"):
        make(device="cuda:7").load()
    with pytest.raises(ModelNotReady, match="needs vllm"):
        make(source="vllm").load()
    with pytest.raises(ModelNotReady, match="needs url"):
        make(source="upstream").load()


# --- tokens of others ----------------------------------------------------------------------------------------------


def upstream(url: str, **changes: Any) -> Backend:
    """Without a language model here: the weights are the codec alone."""
    folder = str(tiny() / "snac_24khz")
    return create("orpheus", options(source="upstream", url=url, weights=folder, **changes))


def test_4_10_what_a_server_says_is_sounded_to_the_last_sample() -> None:
    script = Script([event(IDS[:5]), event(IDS[5:]), event([STOP], reason="stop")])
    with completions(script) as url, loaded(upstream(url)) as (backend, _):
        chunks = speak(backend)
    assert sum(map(len, chunks)) == len(FRAMES) * SAMPLES_PER_FRAME and len(chunks) > 2
    assert script.asked[0]["prompt"].startswith("<custom_token_3><|begin_of_text|>tara: Good morning.<|eot_id|>")


def test_4_12_a_stray_token_costs_its_own_frame_and_no_other() -> None:
    with completions(Script([event([*IDS[:17], *IDS[18:], STOP], reason="stop")])) as url:
        with loaded(upstream(url)) as (backend, _):
            chunks = speak(backend)
    assert sum(map(len, chunks)) == (len(FRAMES) - 1) * SAMPLES_PER_FRAME


def test_a_server_that_breaks_off_is_an_error_behind_what_it_gave() -> None:
    with completions(Script([event(IDS)])) as url, loaded(upstream(url)) as (backend, _):
        steps = backend.stepped()
        steps.open(SynthesisJob("a", "Hello.", "leo", "en"))
        samples, result = 0, None
        while result is None or not result.done:
            (result,) = steps.step(["a"])
            samples += 0 if result.chunk is None else len(result.chunk.samples)
        steps.close("a")
    assert samples == len(FRAMES) * SAMPLES_PER_FRAME and "broke off" not in str(result.error)
    assert "before the speech had ended" in str(result.error)


class WithEngine(OrpheusBackend):
    """On an engine of vLLM's shape."""

    engine = Engine([*IDS, STOP])

    def make_source(self, weights: Path, device: Any) -> TokenSource:
        return EngineSource(lambda: self.engine, lambda order: order)


def test_4_10_what_the_engine_says_is_sounded_to_the_last_sample() -> None:
    given = {**options(), "stop_token_ids": tuple(TINY_IDS["stop_token_ids"])}
    with loaded(WithEngine(OrpheusOptions(**given))) as (backend, _):
        one, two = speak(backend, seed=4), speak(backend, seed=4)
        chunks = np.concatenate(one)
    assert len(chunks) == len(FRAMES) * SAMPLES_PER_FRAME and np.array_equal(chunks, np.concatenate(two))
    prompt, _ = WithEngine.engine.asked[0]
    assert prompt["prompt_token_ids"][:2] == [TINY_IDS["start_human_id"], TINY_IDS["begin_text_id"]]
