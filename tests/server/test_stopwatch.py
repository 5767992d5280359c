"""Utterances are timed as their events are handed over, by a clock that the test moves."""

from __future__ import annotations

from syrinx.core.clock import FakeClock
from syrinx.core.errors import ModelFailed
from syrinx.core.types import Accepted, Audio, EncodedAudio, Failed, Finished, FinishReason, ServerEvent
from syrinx.protocols.base import Action, Close, Reply, Timing
from syrinx.server.stopwatch import Stopwatch


class Noting:
    """A codec that keeps what it is told."""

    ordered = True

    def __init__(self) -> None:
        self.timings: dict[str, Timing] = {}
        self.rendered: list[ServerEvent] = []

    def opened(self) -> list[Action]:
        return [Reply("hello")]

    def receive(self, message: str | bytes) -> list[Action]:
        return [Reply(message)]

    def refuse(self, error: Exception) -> list[Action]:
        return [Close(1008, str(error))]

    def render(self, event: ServerEvent) -> list[Reply | Close]:
        assert not isinstance(event, Finished) or event.utterance_id in self.timings, "timed before it is rendered"
        self.rendered.append(event)
        return []

    def note_timing(self, utterance_id: str, timing: Timing) -> None:
        self.timings[utterance_id] = timing


def audio(name: str, samples: int) -> Audio:
    return Audio(name, EncodedAudio(b"x", samples, 24_000, "audio/pcm"))


def test_from_acceptance_to_first_audio_and_to_the_end() -> None:
    codec, clock = Noting(), FakeClock()
    watch = Stopwatch(codec, clock.now)
    for event, after_s in (
        (Accepted("a"), 0.1),
        (audio("a", 0), 0.1),  # a header is no audio
        (audio("a", 10), 0.3),
        (Accepted("b"), 0.0),
        (audio("a", 10), 0.5),
        (Finished("a", FinishReason.COMPLETED, 20, 1.0, 0), 0.0),
        (Failed("b", ModelFailed("x")), 0.0),
    ):
        watch.render(event)
        clock.advance(after_s)
    assert len(codec.rendered) == 7
    a, b = codec.timings["a"], codec.timings["b"]
    assert a.ttfa_s is not None and abs(a.ttfa_s - 0.2) < 1e-9 and abs(a.wall_s - 1.0) < 1e-9
    assert b.ttfa_s is None and abs(b.wall_s - 0.5) < 1e-9


def test_everything_else_goes_through() -> None:
    watch = Stopwatch(Noting(), FakeClock().now)
    assert watch.opened() == [Reply("hello")] and watch.receive("x") == [Reply("x")] and watch.ordered
    assert watch.refuse(ModelFailed("no")) == [Close(1008, "no")]
