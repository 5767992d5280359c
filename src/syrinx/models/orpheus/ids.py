"""The special ids of a checkpoint, as configured: never worked out from the size of its vocabulary."""

from __future__ import annotations

from dataclasses import dataclass

from .frames import CODES, SLOTS


@dataclass(frozen=True, slots=True)
class TokenIds:
    """Defaults are those that Orpheus and Veena publish, on the vocabulary of Llama 3."""

    begin_text: int = 128000
    end_turn: int = 128009
    custom_base: int = 128256
    """``<custom_token_N>`` is this and N."""
    start_speech: int = 128257
    start_human: int = 128259
    end_human: int = 128260
    start_ai: int = 128261
    audio_base: int = 128266
    stops: tuple[int, ...] = (128258, 128262)
    """End of speech, end of AI: either ends a job."""

    @property
    def audio_end(self) -> int:
        """One past the last audio id."""
        return self.audio_base + SLOTS * CODES

    @property
    def highest(self) -> int:
        """The highest id in use: a vocabulary must be larger."""
        own = (self.begin_text, self.end_turn, self.start_speech, self.start_human, self.end_human, self.start_ai)
        return max(*own, *self.stops, self.audio_end - 1)
