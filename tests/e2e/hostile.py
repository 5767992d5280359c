"""Input that no client should send, as one table for every route and protocol. Values are JSON texts, not objects,
because much of it no JSON library would write."""

from __future__ import annotations

import random

DEEP = 100_000
MEGABYTE = 1_000_000

TEXTS: dict[str, str] = {
    "empty": '""',
    "white space": '" \\n\\t\\u3000\\u200b"',
    "only emoji": '"🙂🙃👩‍👩‍👧"',
    "only marks": '"?!...,;:—"',
    "a megabyte": '"' + "word " * (MEGABYTE // 5) + '"',
    "a megabyte without a break": '"' + "x" * MEGABYTE + '"',
    "lone surrogates": '"a \\ud800 b \\udfff"',
    "swapped surrogates": '"\\udc00\\ud800"',
    "NUL": '"a\\u0000b"',
    "control characters": '"\\u0001\\u0007\\u001b[31m\\u007f\\u0085"',
    "direction marks": '"\\u202e\\u2066txet\\u2069"',
    "combining marks": '"' + "e\\u0301" * 2000 + '"',
    "code fence without an end": '"```python\\nx = 1"',
    "broken SSML": '"<speak><prosody rate=\\"x\\"><break time=\\"-1\\"/>"',
    "directive without an end": '"{{"',
    "unknown directive": '"{{format c:}}"',
    "endless number": '"' + "9" * 5000 + '"',
}
"""What may stand where text is expected."""

VALUES: dict[str, str] = {
    "null": "null",
    "true": "true",
    "zero": "0",
    "minus one": "-1",
    "fraction": "0.5",
    "huge": "1e308",
    "beyond float": "1e999",
    "beyond 64 bits": "1" + "0" * 400,
    "NaN": "NaN",
    "Infinity": "-Infinity",
    "list": "[]",
    "nested list": "[[[{}]]]",
    "object": "{}",
    "odd object": '{"id":{"id":1},"format":[],"sample_rate":"x"}',
    "string": '"zzz"',
    "NUL string": '"\\u0000"',
    "surrogate string": '"\\ud800"',
    "path": '"../../../../etc/passwd"',
    "header break": '"x\\r\\nx-evil: 1"',
    "long string": '"' + "y" * 70_000 + '"',
    "deep": "[" * DEEP + "]" * DEEP,
}
"""What may stand where anything is expected."""

_RANDOM = random.Random(1970)  # the same bytes in every run

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "white space": b"  \n",
    "not JSON": b"hello",
    "half an object": b'{"input":"Hel',
    "two objects": b'{"input":"a"}{"input":"b"}',
    "open brackets": b"[" * DEEP,
    "open objects": b'{"a":' * DEEP,
    "invalid UTF-8": b'{"input":"\xff\xfe\xc3\x28"}',
    "UTF-16": '{"input":"hello"}'.encode("utf-16"),
    "a BOM": b'\xef\xbb\xbf{"input":',
    "NUL bytes": b"\x00" * 1000,
    "duplicate keys": b'{"type":"response.create","type":5,"input":"a","input":[]}',
    "a list": b'[{"input":"hello"}]',
    "a number": b"1e999",
    "multipart": b'--x\r\ncontent-disposition: form-data; name="input"\r\n\r\nhello\r\n--x--\r\n',
    "random bytes": _RANDOM.randbytes(5000),
    "random text": "".join(chr(_RANDOM.randrange(32, 0x2FFF)) for _ in range(2000)).encode(),
    "many keys": b"{" + b",".join(b'"k%d":0' % n for n in range(50_000)) + b"}",
}
"""Whole bodies and messages that are no request at all."""
PLAIN_TEXT = ("not JSON", "a number", "multipart", "random text")
"""Those of them that can be read out: Piper takes plain text."""
