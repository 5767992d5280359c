"""The languages of Chatterbox Multilingual, and what a request calls them."""

from __future__ import annotations

from collections.abc import Sequence

from syrinx.core.errors import InvalidRequest

ENGLISH = ("en",)
MULTILINGUAL = tuple("en ar da de el es fi fr he hi it ja ko ms nl no pl pt ru sv sw tr zh".split())
"""As ``SUPPORTED_LANGUAGES`` of chatterbox-tts 0.1.7 (``mtl_tts.py``), English first."""
CHINESE = "zh"
SAME = {"nb": "no", "nn": "no", "iw": "he", "cmn": "zh"}
"""Other tags of languages that the model has by one name."""


def language_id(tag: str, known: Sequence[str]) -> str:
    """Return the model's name of a BCP 47 tag; an empty one means the first that is known.

    Raises ``InvalidRequest`` listing what there is.
    """
    primary = tag.split("-")[0].lower()
    name = SAME.get(primary, primary) or known[0]
    if name not in known:
        raise InvalidRequest(
            f"These weights of Chatterbox do not speak {tag!r}; they speak: {', '.join(known)}.",
            code="unsupported_language",
            param="language",
        )
    return name
