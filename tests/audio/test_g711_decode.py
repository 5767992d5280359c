"""G.711 codes back to samples, against an independent decoder and our own encoder."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from syrinx.audio.encode.g711 import alaw_table, mulaw_table
from syrinx.audio.g711 import decode_alaw, decode_mulaw

CODES = bytes(range(256))


@pytest.mark.parametrize(("subtype", "decode"), [("ULAW", decode_mulaw), ("ALAW", decode_alaw)])
def test_every_code_as_libsndfile_reads_it(subtype: str, decode: Callable[[bytes], bytes]) -> None:
    expected, _ = soundfile.read(
        io.BytesIO(CODES), dtype="int16", format="RAW", subtype=subtype, channels=1, samplerate=8000
    )
    assert np.array_equal(np.frombuffer(decode(CODES), "<i2"), expected)


@pytest.mark.parametrize(("table", "decode"), [(mulaw_table, decode_mulaw), (alaw_table, decode_alaw)])
def test_there_and_back_again_is_the_same_code(
    table: Callable[[], np.ndarray], decode: Callable[[bytes], bytes]
) -> None:
    codes = CODES.replace(b"\x7f", b"") if table is mulaw_table else CODES  # -0, which is written as 0
    back = table()[np.frombuffer(decode(codes), "<i2").view(np.uint16)]
    assert back.tobytes() == codes


def test_nothing_is_nothing() -> None:
    assert decode_mulaw(b"") == decode_alaw(b"") == b""
