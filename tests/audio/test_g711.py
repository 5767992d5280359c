"""G.711 codes against the standard's own values and an independent decoder."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from syrinx.audio.encode import create_encoder
from syrinx.audio.encode.g711 import Table, alaw_table, mulaw_table
from syrinx.core.types import AudioFormat

LEVELS = np.arange(-32768, 32768).astype(np.int32)


def decoded(subtype: str, codes: bytes) -> np.ndarray:
    options = {"format": "RAW", "subtype": subtype, "channels": 1, "samplerate": 8000}
    return soundfile.read(io.BytesIO(codes), dtype="int16", **options)[0].astype(np.int32)


@pytest.mark.parametrize(
    ("value", "mulaw", "alaw"),
    [
        (0, 0xFF, 0xD5),
        (-1, 0x7F, 0x55),
        (32767, 0x80, 0xAA),
        (-32768, 0x00, 0x2A),
        (1000, 0xCE, 0xFA),
        (-1000, 0x4E, 0x7A),
        (8, 0xFE, 0xD5),
        (100, 0xF2, 0xD3),
    ],
)
def test_codes_of_the_standard(value: int, mulaw: int, alaw: int) -> None:
    index = value & 0xFFFF
    assert (mulaw_table()[index], alaw_table()[index]) == (mulaw, alaw)


@pytest.mark.parametrize(("subtype", "table"), [("ULAW", mulaw_table), ("ALAW", alaw_table)])
def test_every_16_bit_value_has_the_code_of_an_independent_encoder_or_a_nearer_one(
    subtype: str, table: Callable[[], Table]
) -> None:
    file = io.BytesIO()
    soundfile.write(file, LEVELS.astype(np.int16), 8000, format="RAW", subtype=subtype)
    theirs, ours = np.frombuffer(file.getvalue(), np.uint8), table()[LEVELS & 0xFFFF]
    error = np.abs(decoded(subtype, ours.tobytes()) - LEVELS)
    assert np.all(error <= np.abs(decoded(subtype, theirs.tobytes()) - LEVELS))
    assert np.count_nonzero(ours != theirs) <= 127  # A-law: the tie between two negative steps goes the other way


@pytest.mark.parametrize("name", ["mulaw", "alaw"])
def test_silence_is_silence(name: str) -> None:
    encoder = create_encoder(AudioFormat(name), 8000)
    encoder.begin()
    assert set(encoder.encode(np.zeros(160, np.float32))) == {0xFF if name == "mulaw" else 0xD5}
