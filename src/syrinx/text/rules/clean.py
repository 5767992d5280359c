"""Characters that have no sound: controls, bidi and zero-width signs, lone surrogates, emoji; and the final tidying."""

from __future__ import annotations

import re

from .rule import rule

INVISIBLE = rule(
    "invisible",
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\uffff\ud800-\udfff\ufdd0-\ufdef\ue000-\uf8ff"
    "\U0001bca0-\U0001bca3\U000e0000-\U000e0fff\U000f0000-\U0010ffff]+",
    "",
)

_PICTURES = (
    "\u203c\u2049\u2139\u231a\u231b\u2328\u23cf\u23e9-\u23fa\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u2604\u2607-\u2685\u2690-\u27bf"
    "\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001f0ff\U0001f10d-\U0001f10f\U0001f12f\U0001f16c-\U0001f171\U0001f17e\U0001f17f\U0001f18e"
    "\U0001f191-\U0001f1ff\U0001f200-\U0001f64f\U0001f680-\U0001faff"
)
CLEAN = (INVISIBLE,)

EMOJI = (
    rule("keycap emoji", "(?P<key>[0-9#*])\ufe0f?\u20e3", "", "\u20e3", keep="key"),
    rule("emoji", f"[{_PICTURES}][{_PICTURES}\ufe00-\ufe0f\u20e3]*|[\ufe00-\ufe0f\u20e3]", ""),
    rule(
        "emoticon",
        r"(?<!\S)(?:[:;=8]['^]?-?[)(DPpOo/|\\*\]\[]|[:;]3|<3|</3|[xX]D|\^_\^|-_-|¯\\_\(ツ\)_/¯|:'\))(?=[\s.,!?]|$)",
        "",
        ":;=<xX^-¯8",
    ),
)

TIDY = (
    rule("edge", r"\A\s+|(?<!\s)\s+\Z", ""),
    rule("space before a mark", r"(?<!\s)\s+(?=[,.!?;:)\]}](?:\s|$))", ""),
    rule("space in front of nothing", r"(?<=[(\[{])\s+", "", "([{"),
    rule("empty brackets", r"\(\s*\)|\[\s*\]", "", "()[]"),
    rule("doubled comma", r",(?:\s{0,4},){1,20}", ",", ","),
    rule("mark then comma", r"(?<=[.!?;:]),(?=\s|$)", "", ","),
    rule("spaces", r"\s{2,}|[^\S ]", " "),
)

SPEAKABLE = re.compile(r"[^\W_]")
"""A letter or digit: without one there is nothing to say."""
