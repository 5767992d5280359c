"""Loads what the first request would else wait for: text rules, the resampler, the codec library. Runs in a thread."""

from __future__ import annotations

import numpy as np

from syrinx.audio.pipeline import Pipeline, PipelineSpec
from syrinx.core.types import AudioFormat
from syrinx.text.front import TextFront
from syrinx.text.segmenter import SegmentPolicy

TEXT = "Dr. Smith paid $3.50 for 2 of them on 5 May, at 17:30. See example.com!"
"""Has a number, money, a date, a time, an abbreviation and an address, so that each rule's tables are built."""
CONTAINERS = ("pcm_s16le", "mp3", "opus")
"""What clients ask for most: raw, and OpenAI's and Open WebUI's default, and the smallest."""


def preload() -> None:
    """Cut, normalise and encode a little of everything. Takes about a tenth of a second, once."""
    front = TextFront(SegmentPolicy(), "en")
    for piece in [*front.feed(TEXT), *front.end()]:
        front.prepare(piece)
    for name in CONTAINERS:
        pipeline = Pipeline(PipelineSpec(22050, AudioFormat(name, 24000)))
        pipeline.begin()
        pipeline.push(np.zeros(2205, np.float32), new_segment=True)
        pipeline.finish()
        pipeline.close()
