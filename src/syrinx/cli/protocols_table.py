"""``docs/protocols/index.md`` from what the protocols declare: ``python -m syrinx.cli.protocols_table > ...``."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from syrinx.audio.encode import CONTAINERS
from syrinx.protocols.abilities import EVERY
from syrinx.protocols.base import Abilities, Times

INTRODUCTION = """\
# Protocols

What a client can do, by the address that it speaks to. Which client speaks what, and the line to change in it, is in
[Clients](../clients.md).

"""
HEAD = (
    "| protocol | address | a text comes | several | stopped by | and told what was heard | times of | formats |\n"
    "|---|---|---|---|---|---|---|---|\n"
)
NOTES = """
- *Several*: utterances of one connection. *one*: each has a connection or a request of its own.
- *Stopped by hanging up*: closing the connection, or breaking the request off, stops the model; no word does.
- *Told what was heard*: an interruption is answered with the text that was heard and the rest, as it was sent;
  in Cartesia's protocol and OpenAI's Realtime where the client says how far it has played.
- *Times* are flagged where they are estimated and not the model's own.
- *Formats*: *all* are {names}.
  For telephony: `mulaw` and `alaw` at 8000 Hz; `?frame_ms=20` on any socket or streamed answer gives audio in messages
  of that length.

This page is made from `protocols/*/abilities.py` by `python -m syrinx.cli.protocols_table`. Tests keep it true, and ask
each codec and each route whether what is declared holds.
"""
ALL = "all"


def protocols_page() -> str:
    """The whole page in Markdown."""
    names = ", ".join(f"`{name}`" for name in CONTAINERS)
    return INTRODUCTION + HEAD + _rows(EVERY) + NOTES.format(names=names)


def _rows(every: Iterable[Abilities]) -> str:
    return "".join(f"| {' | '.join(_cells(abilities))} |\n" for abilities in every)


def _cells(abilities: Abilities) -> tuple[str, ...]:
    return (
        f"[{abilities.name}]({abilities.page}.md)",
        f"`{abilities.address}`",
        abilities.text,
        abilities.together,
        "a message" if abilities.interruption == "message" else abilities.interruption,
        "yes" if abilities.tells_heard else "",
        "" if abilities.times is Times.NONE else abilities.times,
        _formats(abilities),
    )


def _formats(abilities: Abilities) -> str:
    if set(abilities.formats) == set(CONTAINERS):
        return ALL
    return ", ".join(f"`{name}`" for name in abilities.formats)


if __name__ == "__main__":
    sys.stdout.write(protocols_page())
