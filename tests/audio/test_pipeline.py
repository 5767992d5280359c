"""The whole chain: what is streamed is what one call would give, as long and as high as it should be."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syrinx.audio.encode import CONTAINERS
from syrinx.audio.join import JoinSpec
from syrinx.audio.level import peak, rms
from syrinx.audio.pipeline import MAX_PAUSE_S, Pipeline, PipelineSpec
from syrinx.core.errors import InvalidRequest, ModelFailed, SyrinxError, UnsupportedFormat
from syrinx.core.types import AudioFormat, Delivery, Samples
from tests.audio.signals import decode, pitch_of, tone, voice_like

NATIVE = 22050
PLAIN = Delivery()


def spoken(
    samples: Samples, delivery: Delivery = PLAIN, rate: int | None = 24000, sizes: list[int] | None = None
) -> Samples:
    """Run the chain with float output, so that nothing but the chain is seen."""
    data, count, _ = rendered(samples, AudioFormat("pcm_f32le", rate), delivery, sizes)
    out = np.frombuffer(data, np.float32)
    assert len(out) == count
    return out


def rendered(
    samples: Samples, format: AudioFormat, delivery: Delivery = PLAIN, sizes: list[int] | None = None
) -> tuple[bytes, int, Pipeline]:
    pipeline = Pipeline(PipelineSpec(NATIVE, format, delivery))
    out, total, start = [pipeline.begin()], 0, 0
    for size in [*(sizes or []), len(samples)]:
        data, count = pipeline.push(samples[start : start + size])
        start += size
        assert data or not count
        out.append(data)
        total += count
    data, count = pipeline.finish()
    return b"".join([*out, data]), total + count, pipeline


@pytest.mark.parametrize("speed", [0.25, 0.5, 0.75, 1.0, 1.3, 2.0, 3.0, 4.0])
def test_speed_changes_the_length_and_not_the_pitch(speed: float) -> None:
    voice = voice_like(2.0, NATIVE, 140.0)
    out = spoken(voice, Delivery(speed=speed))
    assert len(out) / 24000 == pytest.approx(2.0 / speed, abs=0.001)
    assert pitch_of(out[len(out) // 5 : -len(out) // 5], 24000) == pytest.approx(140.0, rel=0.01)


@pytest.mark.parametrize("pitch", [0.5, 0.8, 1.0, 1.26, 1.5, 2.0])
def test_pitch_changes_the_pitch_and_not_the_length(pitch: float) -> None:
    voice = voice_like(2.0, NATIVE, 140.0)
    out = spoken(voice, Delivery(pitch=pitch))
    assert len(out) / 24000 == pytest.approx(2.0, abs=0.001)
    assert pitch_of(out[len(out) // 5 : -len(out) // 5], 24000) == pytest.approx(140.0 * pitch, rel=0.01)
    assert rms(out) == pytest.approx(rms(voice), rel=0.1)


@pytest.mark.parametrize(("speed", "pitch"), [(4.0, 0.5), (0.25, 2.0), (2.0, 2.0), (0.5, 0.5)])
def test_speed_and_pitch_do_not_disturb_each_other(speed: float, pitch: float) -> None:
    out = spoken(voice_like(2.0, NATIVE, 140.0), Delivery(speed=speed, pitch=pitch))
    assert len(out) / 24000 == pytest.approx(2.0 / speed, abs=0.001)
    middle, wanted = out[len(out) // 5 : -len(out) // 5], 140.0 * pitch
    assert pitch_of(middle, 24000, low=0.7 * wanted) == pytest.approx(wanted, rel=0.01)


def test_volume_scales_limits_and_mutes() -> None:
    voice = voice_like(1.0, NATIVE)
    assert rms(spoken(voice, Delivery(volume=0.5))) == pytest.approx(rms(voice) / 2, rel=0.01)
    assert not spoken(voice, Delivery(volume=0.0)).any()
    loud = spoken(voice * np.float32(1.9), Delivery(volume=2.0))
    assert np.abs(loud).max() <= 1.0
    assert rms(loud) > 1.9 * rms(voice)
    assert np.corrcoef(loud, spoken(voice))[0, 1] > 0.95


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.integers(0, 5000), max_size=15),
    st.sampled_from([8000, 13579, 22050, 24000, 48000]),
    st.builds(
        Delivery, speed=st.floats(0.25, 4.0), pitch=st.sampled_from([1.0, 0.7, 1.4]), volume=st.sampled_from([1.0, 2.0])
    ),
)
def test_streamed_is_the_same_as_rendered_at_once(sizes: list[int], rate: int, delivery: Delivery) -> None:
    voice = voice_like(0.6, NATIVE)
    streamed, whole = (spoken(voice, delivery, rate, cuts) for cuts in (sizes, None))
    assert abs(len(streamed) - len(voice) * rate / NATIVE / delivery.speed) <= 0.001 * rate
    np.testing.assert_allclose(streamed, whole, atol=1e-5)


@pytest.mark.parametrize("name", CONTAINERS)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sizes=st.lists(st.integers(0, 5000), max_size=15))
def test_every_container_streams_the_same_sound_and_counts_every_sample(name: str, sizes: list[int]) -> None:
    voice = voice_like(0.5, NATIVE)
    streamed, count, pipeline = rendered(voice, AudioFormat(name), sizes=sizes)
    whole, whole_count, _ = rendered(voice, AudioFormat(name))
    assert count == whole_count == pytest.approx(0.5 * pipeline.sample_rate, abs=1)
    assert pipeline.media_type == CONTAINERS[name].media_type
    rate = pipeline.sample_rate
    np.testing.assert_allclose(decode(name, streamed, rate)[0], decode(name, whole, rate)[0], atol=1e-4)


def test_without_any_change_the_middle_of_the_sound_is_the_models_own_bits() -> None:
    voice = voice_like(0.5, NATIVE)
    out = spoken(voice, rate=None)
    edge = round(0.005 * NATIVE)
    np.testing.assert_array_equal(out[edge:-edge], voice[edge:-edge])


def test_not_a_number_from_a_model_spoils_only_itself() -> None:
    voice = voice_like(1.0, NATIVE)
    broken = voice.copy()
    broken[5000:5010], broken[5010], broken[5011] = np.nan, np.inf, -np.inf
    out, clean = spoken(broken, Delivery(speed=1.5)), spoken(voice, Delivery(speed=1.5))
    assert np.isfinite(out).all()
    np.testing.assert_allclose(out[-8000:], clean[-8000:], atol=0.05)


@pytest.mark.parametrize(
    "samples",
    [np.zeros((2, 100), np.float32), np.zeros(10, np.complex64), np.array(["a"])],
    ids=["2d", "complex", "str"],
)
def test_what_is_not_mono_audio_is_the_models_fault(samples: Samples) -> None:
    pipeline = Pipeline(PipelineSpec(NATIVE))
    pipeline.begin()
    with pytest.raises(ModelFailed, match="mono float samples"):
        pipeline.push(samples)


def test_other_float_types_and_strides_are_taken() -> None:
    pipeline = Pipeline(PipelineSpec(NATIVE, AudioFormat("pcm_f32le")))
    pipeline.begin()
    voice = voice_like(0.1, NATIVE)
    parts: list[Any] = [voice.astype(np.float64), voice[::-1]]
    out = b"".join(pipeline.push(part)[0] for part in parts) + pipeline.finish()[0]
    assert len(out) == 8 * len(voice)


def test_heavy_says_whether_a_thread_is_needed() -> None:
    heavy = {name: Pipeline(PipelineSpec(NATIVE, AudioFormat(name))).heavy for name in CONTAINERS}
    assert {name for name, is_heavy in heavy.items() if not is_heavy} == {n for n, i in CONTAINERS.items() if i.cheap}
    assert Pipeline(PipelineSpec(NATIVE, AudioFormat("wav"), Delivery(speed=1.2))).heavy
    light = Pipeline(PipelineSpec(NATIVE, AudioFormat("wav")))
    light.adjust(Delivery(volume=2.0))
    assert not light.heavy
    light.adjust(Delivery(pitch=1.1))
    assert light.heavy
    light.adjust(Delivery())
    assert light.heavy  # its grains are still to come


def test_marks_can_be_placed_in_delivered_time() -> None:
    pipeline = Pipeline(PipelineSpec(NATIVE, AudioFormat("pcm_f32le"), Delivery(speed=2.0)))
    out = [pipeline.begin()]
    first = np.concatenate((np.zeros(NATIVE // 2, np.float32), voice_like(1.0, NATIVE)))
    out.append(pipeline.push(first)[0])
    assert pipeline.heard_at(0.5) == pytest.approx(0.015, abs=0.001)  # the lead, halved
    out.append(pipeline.pause(0.5)[0])
    out.append(pipeline.push(voice_like(1.0, NATIVE), new_segment=True)[0])
    starts = pipeline.heard_at(0.0)
    out.append(pipeline.finish()[0])
    heard = np.frombuffer(b"".join(out), np.float32)
    quiet = np.abs(heard[: round((starts - 0.03) * NATIVE)][-round(0.4 * NATIVE) :])
    assert starts == pytest.approx(0.015 + 0.5 + 0.5, abs=0.001)
    assert quiet.max() < 0.01
    assert rms(heard[round(starts * NATIVE) :][: NATIVE // 4]) > 0.05


def test_a_known_length_is_told_in_the_header() -> None:
    pipeline = Pipeline(PipelineSpec(NATIVE, AudioFormat("wav"), total_samples=1000))
    assert pipeline.begin()[40:44] == (2000).to_bytes(4, "little")


def test_bad_plans_are_refused_when_made() -> None:
    with pytest.raises(InvalidRequest, match="speed"):
        Pipeline(PipelineSpec(NATIVE, residual=Delivery(speed=17.0)))
    with pytest.raises(UnsupportedFormat):
        Pipeline(PipelineSpec(NATIVE, AudioFormat("opus", 22050)))
    with pytest.raises(UnsupportedFormat):
        Pipeline(PipelineSpec(NATIVE, AudioFormat("gramophone")))


@pytest.mark.parametrize("rates", [(24000, 24000), (22050, 24000), (24000, 48000), (24000, 8000)], ids=str)
@pytest.mark.parametrize("speed", [0.25, 0.5, 0.8, 1.25, 2.0, 3.0, 4.0])
@pytest.mark.parametrize("pitch", [0.5, 1.0, 2.0])
def test_sound_comes_out_at_most_90_ms_of_audio_after_it_went_in(
    rates: tuple[int, int], speed: float, pitch: float
) -> None:
    native, rate = rates
    for lead in (700, 960, 1230):
        samples = np.concatenate((np.zeros(lead, np.float32), tone(200.0, 0.3, native)))
        chain = Pipeline(PipelineSpec(native, AudioFormat("pcm_f32le", rate), Delivery(speed, pitch, 2.0)))
        chain.begin()
        fed = 0
        while peak(np.frombuffer(chain.push(samples[fed : fed + 48])[0], np.float32)) < 0.005:
            fed += 48
        assert (fed + 48 - lead) / native <= 0.09


# --- a delivery that changes ----------------------------------------------------------------------------------------

Step = tuple[int, Delivery]
"""After so many samples: how it goes on."""
steps = st.lists(
    st.tuples(
        st.integers(0, 6000),
        st.builds(
            Delivery,
            speed=st.sampled_from([0.25, 0.5, 1.0, 1.7, 4.0]),
            pitch=st.sampled_from([0.5, 1.0, 1.5]),
            volume=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
        ),
    ),
    max_size=4,
)


def adjusted(samples: Samples, changes: list[Step], rate: int = 24000) -> tuple[Samples, float]:
    """The float sound, and the seconds that its parts should last."""
    chain = Pipeline(PipelineSpec(NATIVE, AudioFormat("pcm_f32le", rate), join=JoinSpec(fade_s=1e-9)))
    out, start, speed, lasts = [chain.begin()], 0, 1.0, 0.0
    for after, residual in [*changes, (len(samples), PLAIN)]:
        part = samples[start : start + after]
        out.append(chain.push(part)[0])
        lasts += len(part) / speed
        start += after
        if start < len(samples):
            chain.adjust(residual)
            speed = residual.speed
    out.append(chain.finish()[0])
    return np.frombuffer(b"".join(out), np.float32), lasts / NATIVE


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps, st.sampled_from([8000, 22050, 24000, 48000]))
def test_the_length_is_the_sum_of_the_parts_within_1_ms_a_change(changes: list[Step], rate: int) -> None:
    out, lasts = adjusted(voice_like(0.8, NATIVE), changes, rate)
    assert len(out) / rate == pytest.approx(lasts, abs=0.001 * (len(changes) + 1))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_no_change_of_anything_clicks(changes: list[Step]) -> None:
    """No step from sample to sample is larger than a sine's own and what a fade of 5 ms adds to it."""
    out, _ = adjusted(tone(150.0, 0.8, NATIVE, level=0.45), changes)
    loudest = 2 * 0.45 * max([0.5, *(residual.volume / 2 for _, residual in changes)])
    fastest = max([1.0, *(residual.pitch for _, residual in changes)])
    own = 2 * np.pi * 150.0 * fastest / 24000 * loudest
    assert np.abs(np.diff(out[100:-200])).max() <= 1.05 * own + loudest * np.pi / (0.005 * 24000)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_what_is_as_it_was_changes_not_a_bit(changes: list[Step]) -> None:
    voice = voice_like(0.6, NATIVE)
    twice = [step for after, residual in changes for step in ((after, residual), (0, residual))]
    np.testing.assert_array_equal(adjusted(voice, twice)[0], adjusted(voice, changes)[0])


def test_a_change_out_of_range_is_refused_and_nothing_is_changed() -> None:
    voice = voice_like(0.5, NATIVE)
    chain = Pipeline(PipelineSpec(NATIVE, AudioFormat("pcm_f32le")))
    out = [chain.begin(), chain.push(voice[:5000])[0]]
    for wrong in (Delivery(speed=99.0), Delivery(pitch=float("nan")), Delivery(volume=-1.0)):
        with pytest.raises(InvalidRequest):
            chain.adjust(wrong)
    out += [chain.push(voice[5000:])[0], chain.finish()[0]]
    np.testing.assert_array_equal(np.frombuffer(b"".join(out), np.float32), spoken(voice, rate=None))


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_goes_on_through_changes(name: str) -> None:
    voice = voice_like(1.5, NATIVE)
    chain = Pipeline(PipelineSpec(NATIVE, AudioFormat(name)))
    out, count = [chain.begin()], 0
    for start, residual in ((0, Delivery(2.0, 1.2, 0.5)), (NATIVE // 2, Delivery(0.5, 0.8, 2.0)), (NATIVE, PLAIN)):
        data, samples = chain.push(voice[start : start + NATIVE // 2])
        chain.adjust(residual)
        out.append(data)
        count += samples
    data, samples = chain.finish()
    count += samples
    assert count / chain.sample_rate == pytest.approx(0.5 + 0.25 + 1.0, abs=0.003)
    decoded, rate = decode(name, b"".join([*out, data]), chain.sample_rate)
    assert len(decoded) / rate == pytest.approx(count / chain.sample_rate, abs=0.15)  # the encoder's own padding
    assert rms(decoded) > 0.02


def test_a_moment_of_the_segment_is_found_where_it_is_heard() -> None:
    """A word that begins after two changes, told before and after the second."""
    clicks = np.zeros(3 * NATIVE, np.float32)
    clicks[: NATIVE // 2] = tone(300.0, 0.5, NATIVE)
    clicks[2 * NATIVE :] = tone(600.0, 1.0, NATIVE)
    chain = Pipeline(PipelineSpec(NATIVE, AudioFormat("pcm_f32le"), join=JoinSpec(hold_s=0.0)))
    out = [chain.begin(), chain.push(clicks[:NATIVE])[0]]
    chain.adjust(Delivery(speed=2.0))
    out.append(chain.push(clicks[NATIVE : NATIVE + NATIVE // 2])[0])
    assert chain.heard_at(2.0) == pytest.approx(1.0 + 0.5, abs=0.01)
    chain.adjust(Delivery(speed=0.5))
    out.append(chain.push(clicks[NATIVE + NATIVE // 2 :])[0])
    assert chain.heard_at(1.0) == pytest.approx(1.0, abs=0.01)
    assert chain.heard_at(2.0) == pytest.approx(1.0 + 0.25 + 1.0, abs=0.01)
    out.append(chain.finish()[0])
    heard = np.frombuffer(b"".join(out), np.float32)
    begins = np.flatnonzero(np.abs(heard[NATIVE:]) > 0.1)[0] + NATIVE
    assert begins / NATIVE == pytest.approx(2.25, abs=0.03)


def test_the_next_segment_begins_where_the_changed_one_ends() -> None:
    chain = Pipeline(PipelineSpec(NATIVE, AudioFormat("pcm_f32le")))
    chain.begin()
    chain.push(voice_like(1.0, NATIVE), new_segment=True)
    chain.adjust(Delivery(speed=4.0))
    chain.push(voice_like(1.0, NATIVE))
    chain.push(voice_like(1.0, NATIVE), new_segment=True)
    assert chain.heard_at(0.0) == pytest.approx(1.0 + 0.25, abs=0.01)
    chain.adjust(Delivery(speed=1.0))
    assert chain.heard_at(0.0) == pytest.approx(1.0 + 0.25, abs=0.01)
    assert chain.heard_at(1.0) == pytest.approx(1.0 + 0.25 + 0.25, abs=0.01)
    assert chain.heard_at(2.0) == pytest.approx(1.0 + 0.25 + 0.25 + 1.0, abs=0.01)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), MAX_PAUSE_S + 1])
def test_a_senseless_pause_is_refused(seconds: float) -> None:
    pipeline = Pipeline(PipelineSpec(NATIVE))
    pipeline.begin()
    with pytest.raises(InvalidRequest, match="pause"):
        pipeline.pause(seconds)


def test_nothing_works_after_close_and_closing_twice_is_fine() -> None:
    pipeline = Pipeline(PipelineSpec(NATIVE, AudioFormat("mp3"), Delivery(speed=2.0)))
    pipeline.begin()
    pipeline.push(tone(440.0, 0.5, NATIVE))
    pipeline.close()
    pipeline.close()
    with pytest.raises(SyrinxError, match="after close"):
        pipeline.push(tone(440.0, 0.5, NATIVE))


def test_no_audio_gives_an_empty_stream() -> None:
    data, count, _ = rendered(np.empty(0, np.float32), AudioFormat("wav"), Delivery(speed=2.0, volume=2.0))
    assert (len(data), count) == (44, 0)


def test_abandoned_pipelines_leave_nothing_behind() -> None:
    voice, process = voice_like(0.1, NATIVE), psutil.Process()

    def abandon(times: int) -> None:
        for _ in range(times):
            pipeline = Pipeline(PipelineSpec(NATIVE, AudioFormat("mp3", 24000), Delivery(speed=1.5, volume=2.0)))
            pipeline.begin()
            pipeline.push(voice)
        gc.collect()

    abandon(20)
    before = process.memory_info().rss
    abandon(200)
    assert process.memory_info().rss - before < 8_000_000
