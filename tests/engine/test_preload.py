"""Preloading leaves the first request nothing to load."""

import subprocess
import sys

from syrinx.engine.preload import CONTAINERS, TEXT, preload
from syrinx.text.front import TextFront
from syrinx.text.segmenter import SegmentPolicy


def test_after_preloading_short_text_is_normalised_without_a_thread() -> None:
    preload()
    front = TextFront(SegmentPolicy(), "en")
    pieces = [*front.feed(TEXT), *front.end()]
    assert pieces
    assert not any(front.is_slow(piece) for piece in pieces)


def test_after_preloading_an_utterance_imports_nothing_more() -> None:
    script = """
import sys, numpy
from syrinx.engine.preload import preload, CONTAINERS
from syrinx.audio.pipeline import Pipeline, PipelineSpec
from syrinx.core.types import AudioFormat
preload()
before = set(sys.modules)
for name in CONTAINERS:
    pipeline = Pipeline(PipelineSpec(22050, AudioFormat(name, 24000)))
    pipeline.begin(); pipeline.push(numpy.zeros(2205, numpy.float32), new_segment=True); pipeline.finish()
print(sorted(set(sys.modules) - before))
"""
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.strip() == "[]"
    assert len(CONTAINERS) == len(set(CONTAINERS))
