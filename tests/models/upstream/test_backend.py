"""The backend against a server on the loopback address that does well, badly, and slowly."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syrinx.core.errors import InvalidRequest, ModelFailed, ModelNotReady, Overloaded, SyrinxError, VoiceNotFound
from syrinx.core.types import Delivery, SynthesisJob
from syrinx.models.base import ModelInfo
from syrinx.models.options import parse_options
from syrinx.models.upstream.backend import UpstreamBackend
from syrinx.models.upstream.options import UpstreamOptions
from tests.fakes.upstream import FakeUpstream, Manner, spoken

JOB = SynthesisJob("j", "Good morning, how did you sleep?", "ann", "en-GB")
MOST_STEPS = 3000
Load = Callable[..., tuple[UpstreamBackend, ModelInfo]]


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture
def load(upstream: FakeUpstream) -> Iterator[Load]:
    loaded: list[UpstreamBackend] = []

    def make(**options: Any) -> tuple[UpstreamBackend, ModelInfo]:
        parsed = parse_options("upstream", UpstreamOptions, {"base_url": upstream.url, **options})
        backend = UpstreamBackend(parsed)
        loaded.append(backend)
        return backend, backend.load()

    yield make
    for backend in loaded:
        backend.unload()


def speak(backend: UpstreamBackend, *jobs: SynthesisJob) -> dict[str, tuple[np.ndarray, Exception | None]]:
    """All jobs to their ends, side by side."""
    steps = backend.stepped()
    pieces: dict[str, list[np.ndarray]] = {job.job_id: [] for job in jobs}
    ended: dict[str, Exception | None] = {}
    for job in jobs:
        steps.open(job)
    for _ in range(MOST_STEPS):
        for result in steps.step([job_id for job_id in pieces if job_id not in ended]):
            if result.chunk is not None:
                pieces[result.job_id].append(result.chunk.samples)
            if result.done:
                ended[result.job_id] = result.error
                steps.close(result.job_id)
        if len(ended) == len(jobs):
            nothing = np.zeros(0, np.float32)
            return {job_id: (np.concatenate([nothing, *heard]), ended[job_id]) for job_id, heard in pieces.items()}
    raise AssertionError("it did not end")


def failure(backend: UpstreamBackend, job: SynthesisJob = JOB) -> Exception:
    ((_, error),) = speak(backend, job).values()
    assert isinstance(error, SyrinxError)
    return error


def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it never came true")


# --- what it is ----------------------------------------------------------------------------------------------------


def test_it_is_what_its_server_says(load: Load, upstream: FakeUpstream) -> None:
    _, info = load()
    assert [voice.id for voice in info.voices] == ["ann", "bob", "cyd"] and info.default_voice == "ann"
    assert info.voices[0].languages == ("en-GB",) and "talker" in info.title and info.max_batch == 16
    assert load(model="other")[1].revision != info.revision


def test_voices_of_the_options_need_no_list(load: Load, upstream: FakeUpstream) -> None:
    upstream.lists.clear()
    _, info = load(voices=["coral", "sage"], default_voice="sage")
    assert [voice.id for voice in info.voices] == ["coral", "sage"] and info.default_voice == "sage"
    assert "model" not in _body(load(voices=["coral"])[0], upstream, replace(JOB, voice="coral"))


@pytest.mark.parametrize(
    ("lists", "told"),
    [({}, "option voices"), ({"/v1/models": {"data": [{"id": "a"}, {"id": "b"}]}}, "set model to one of a, b")],
)
def test_what_cannot_be_known_is_asked_for(load: Load, upstream: FakeUpstream, lists: Any, told: str) -> None:
    upstream.lists = lists
    with pytest.raises(ModelNotReady, match=told):
        load()


def test_without_an_address_or_a_server_it_is_not_ready_and_leaves_no_thread(
    load: Load, upstream: FakeUpstream
) -> None:
    with pytest.raises(ModelNotReady, match="base_url"):
        load(base_url="")
    with pytest.raises(ModelNotReady, match=r"127\.0\.0\.1:9.* cannot be reached"):
        load(base_url="http://127.0.0.1:9")


# --- what it sends and gives ---------------------------------------------------------------------------------------


def _body(backend: UpstreamBackend, upstream: FakeUpstream, job: SynthesisJob) -> Any:
    speak(backend, job)
    return upstream.bodies[-1]


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_the_samples_are_the_servers_own(load: Load, stream_format: str, upstream: FakeUpstream) -> None:
    backend, _ = load(stream_format=stream_format)
    ((samples, error),) = speak(backend, JOB).values()
    sent = b"".join(spoken({"input": JOB.text, "voice": "ann"}))
    assert error is None and np.array_equal(samples * 32768, np.frombuffer(sent, "<i2"))
    assert upstream.bodies == [
        {
            "model": "talker",
            "input": JOB.text,
            "voice": "ann",
            "response_format": "pcm",
            "stream_format": stream_format,
        }
    ]


def test_only_fields_that_it_takes_are_passed_on(load: Load, upstream: FakeUpstream) -> None:
    backend, info = load(request_fields=["instructions", "task_type", "seed"])
    assert set(info.options_schema["properties"]) == {"instructions", "task_type"}
    body = _body(backend, upstream, replace(JOB, options={"instructions": "Whisper."}, seed=3))
    assert (body["instructions"], body["seed"]) == ("Whisper.", 3)
    for name in ("ref_audio", "input", "seed"):
        with pytest.raises(InvalidRequest) as caught:
            backend.stepped().open(replace(JOB, options={name: "x"}))
        assert caught.value.param == name


def test_speed_is_its_own_only_where_the_options_say_so(load: Load, upstream: FakeUpstream) -> None:
    fast = replace(JOB, delivery=Delivery(speed=2.0))
    ours, info = load()
    assert info.native_speed is None and "speed" not in _body(ours, upstream, fast)
    theirs, info = load(native_speed=True)
    assert info.native_speed == (0.25, 4.0)
    (slow, _), (quick, _) = speak(theirs, replace(JOB, job_id="a"), replace(fast, job_id="b")).values()
    assert len(slow) == pytest.approx(2 * len(quick), rel=0.01)


def test_the_key_goes_with_every_request_and_nowhere_else(load: Load, upstream: FakeUpstream, tmp_path: Path) -> None:
    upstream.key = "sk-secret"
    (tmp_path / "key").write_text("sk-secret\n")
    backend, info = load(key_file=str(tmp_path / "key"))
    speak(backend, JOB)
    assert len(upstream.asked) == 3 and "secret" not in repr(info) + repr(vars(backend))
    (tmp_path / "key").write_text("sk-wrong\n")
    with pytest.raises(ModelNotReady, match="key_file") as caught:
        load(key_file=str(tmp_path / "key"))
    assert "wrong" not in caught.value.message


# --- many at once, and canceled ------------------------------------------------------------------------------------


def test_as_many_requests_are_out_as_the_options_allow_and_no_more(load: Load, upstream: FakeUpstream) -> None:
    backend, _ = load(concurrency=3)
    upstream.manner = Manner(pace_s=0.005)
    said = speak(backend, *(replace(JOB, job_id=f"j{n}") for n in range(7)))
    assert all(error is None for _, error in said.values()) and upstream.most == 3


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_a_cancel_closes_the_request_within_one_piece(load: Load, upstream: FakeUpstream, stream_format: str) -> None:
    backend, _ = load(stream_format=stream_format)
    steps = backend.stepped()
    upstream.manner = Manner(pace_s=0.2)
    steps.open(replace(JOB, text="word " * 50))
    until(lambda: steps.step(["j"])[0].chunk is not None)
    sent = upstream.pieces
    steps.close("j")
    assert upstream.dropped.wait(10)
    assert upstream.pieces <= sent + 1
    until(lambda: upstream.running == 0)
    upstream.manner = Manner()
    assert speak(backend, JOB)["j"][1] is None


def test_a_cancel_before_the_first_byte_closes_the_request(load: Load, upstream: FakeUpstream) -> None:
    backend, _ = load()
    upstream.manner = Manner(stalls_after=0)
    backend.stepped().open(JOB)
    until(lambda: not backend.stepped().step(["j"])[0].done and upstream.running == 1)
    backend.stepped().close("j")
    assert upstream.dropped.wait(10) and upstream.pieces == 0


def test_a_step_waits_for_nobody_for_long(load: Load, upstream: FakeUpstream) -> None:
    backend, _ = load()
    upstream.manner = Manner(stalls_after=0)
    backend.stepped().open(JOB)
    began = time.thread_time()
    for _ in range(5):
        (result,) = backend.stepped().step(["j"])
        assert result.chunk is None and not result.done
    assert time.thread_time() - began < 0.1  # it slept, and did not spin


def test_unload_in_mid_speech_ends_all_of_it(load: Load, upstream: FakeUpstream) -> None:
    backend, _ = load()
    upstream.manner = Manner(stalls_after=2)
    backend.stepped().open(JOB)
    until(lambda: backend.stepped().step(["j"])[0].chunk is not None)
    backend.unload()
    assert upstream.dropped.wait(10)


# --- whatever goes wrong -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
@pytest.mark.parametrize(
    ("manner", "told"),
    [
        (Manner(breaks_after=3), "broke off"),
        (Manner(stalls_after=3), "silent for 0.3 s"),
        (Manner(stalls_after=0), "silent for 0.3 s"),
        (Manner(odd=True), "within a sample"),
        (Manner(media_type="audio/mpeg"), "audio/mpeg"),
        (Manner(status=500, body=b'{"error": {"message": "CUDA out of memory"}}'), "CUDA out of memory"),
        (Manner(status=302, headers={"Location": "/elsewhere"}), "redirect"),
        (Manner(status=401, body=b"sk-secret is wrong"), "key_file"),
    ],
)
def test_every_failure_is_told_and_the_next_job_speaks(
    load: Load, upstream: FakeUpstream, manner: Manner, told: str, stream_format: str
) -> None:
    backend, _ = load(stream_format=stream_format, timeout_s=0.3)
    upstream.manner = manner
    error = failure(backend)
    assert type(error) is ModelFailed and told in str(error) and "secret" not in str(error)
    upstream.manner = Manner()
    assert speak(backend, JOB)["j"][1] is None


def test_an_answer_without_audio_is_a_failure(load: Load, upstream: FakeUpstream) -> None:
    backend, _ = load()
    upstream.manner = Manner(ends_after=0)
    assert "no audio" in str(failure(backend))


def test_events_that_end_early_are_a_failure_after_what_came(load: Load, upstream: FakeUpstream) -> None:
    backend, _ = load(stream_format="sse")
    upstream.manner = Manner(ends_after=4)
    ((samples, error),) = speak(backend, JOB).values()
    assert len(samples) > 9000 and isinstance(error, ModelFailed) and "broke off" in str(error)


def test_overload_and_bad_requests_are_the_callers_to_know(load: Load, upstream: FakeUpstream) -> None:
    backend, _ = load()
    upstream.manner = Manner(status=429, headers={"Retry-After": "9"}, body=b"{}")
    error = failure(backend)
    assert isinstance(error, Overloaded) and error.retry_after_s == 9
    upstream.manner = Manner(status=400, body=json.dumps({"error": {"message": "No.", "param": "voice"}}).encode())
    assert isinstance(failure(backend), VoiceNotFound)


def test_a_server_that_is_gone_is_told(load: Load) -> None:
    with FakeUpstream() as short_lived:
        backend, _ = load(base_url=short_lived.url)
    assert "cannot be reached" in str(failure(backend))
