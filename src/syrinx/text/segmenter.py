"""Cuts a text into speakable pieces while it arrives. Cuts depend on the text (and on flushes), never on the tokens.

Each decision is taken at a fixed place with a fixed look-ahead, in order, so any tokenisation gives the same pieces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import boundaries
from .graphemes import LONGEST_CLUSTER, can_cut
from .verbatim import guard_of

LONGEST_MARK = 16
"""Characters of one terminator run with its closers; longer runs are taken in parts."""
FENCE_LINE = 64
"""Characters in which the opening line of a code block must end."""
HEAVY = re.compile(r"[0-9$€£¥₹%@#&=+°]")
HEAVY_WEIGHT = 8
"""A digit or sign is about this many spoken characters ("7" in "1,797" is "seven hundred")."""

_TERMINATOR = "[" + re.escape(boundaries.TERMINATORS) + "]{1,8}[" + re.escape(boundaries.CLOSERS) + "]{0,8}"
_LATER = re.compile(r"[\n\u2029]|" + _TERMINATOR)
_FIRST = re.compile(r"\s|" + _TERMINATOR + r"|[，、；：]")
_FENCE = re.compile(r"(`{3,}|~{3,})([^`\n]*)(\n|$)")


@dataclass(frozen=True, slots=True)
class SegmentPolicy:
    """How long pieces may be. All lengths count characters."""

    first_max_words: int = 0
    """From this word on the first piece ends at the first clause end; 0: the first piece is like any other."""
    first_boundaries: str = ".,?!;:"
    """Marks that end a clause; those of other scripts follow their Latin counterparts."""
    first_require_boundary: bool = True
    """False: the first piece ends ``FIRST_SLACK`` words later at the latest, clause end or not."""
    max_chars: int = 300
    """Longest piece, as it is spoken (digits and signs are counted as the words that they become)."""
    fill: bool = False
    """Pieces hold as many sentences of a line as fit: later cuts, and fewer. False: each sentence is a piece."""
    look_ahead: int = 12
    """Characters after a possible sentence end before it is judged. Measured on 500 mixes of the tests' fragments:
    12 give the cuts of 200 in 496 (3 characters only in 151)."""
    max_buffer_chars: int = 4000
    """Longest text held back, a code block included."""


FIRST_SLACK = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of the utterance's text: ``text`` is what stands at [start, end)."""

    text: str
    start: int
    end: int
    in_code: bool = False
    """Part of a fenced code block."""
    is_first: bool = False


class Segmenter:
    """Incremental cutter. Pieces join to exactly what was fed; holds at most about ``max_buffer_chars``."""

    def __init__(self, policy: SegmentPolicy, language: str, verbatim: str = "") -> None:
        self._policy = policy
        self._limit = max(1, min(policy.max_chars, policy.max_buffer_chars))
        self._language = boundaries.splitter_language(language)
        self._guard = guard_of(verbatim)
        self._text = ""
        self._offset = 0
        self._start = 0
        self._is_first = True
        self._line_start = True
        self._fence = ""
        self._reset()

    @property
    def buffered(self) -> int:
        """Characters held."""
        return len(self._text) - self._start

    def feed(self, text: str) -> list[Piece]:
        """Take more text; return the pieces that it completes."""
        self._text += text
        return self._release(final=False)

    def flush(self) -> list[Piece]:
        """Return all that is buffered, now, whitespace excepted."""
        pieces = self._release(final=True)
        if self._text[self._start :].strip():
            pieces.append(self._take(len(self._text)))
        self._compact()
        return pieces

    def end(self) -> list[Piece]:
        """No more text: return all that is buffered."""
        pieces = self.flush()
        if self.buffered:
            pieces.append(self._take(len(self._text)))
            self._compact()
        return pieces

    # --- one piece -------------------------------------------------------------------------------------------------

    def _reset(self) -> None:
        self._scan = self._start
        self._weighed = self._start
        self._weight = 0
        self._words = 0
        self._word_start = self._start
        self._fallback = 0
        self._full = 0
        self._opened = False

    def _release(self, final: bool) -> list[Piece]:
        pieces = []
        while (cut := self._next_cut(final)) is not None:
            pieces.append(self._take(cut))
        self._compact()
        return pieces

    def _take(self, cut: int) -> Piece:
        text = self._text[self._start : cut]
        start = self._offset + self._start
        in_code = bool(self._fence)
        piece = Piece(text, start, start + len(text), in_code, self._is_first)
        if in_code and self._closes_fence(text, cut):
            self._fence = ""
        self._is_first = self._is_first and not text.strip()
        self._line_start = text.endswith(("\n", "\u2029"))
        self._start = cut
        self._reset()
        return piece

    def _compact(self) -> None:
        """Drop what was released, once per call, so that a long text in one call is not copied per piece."""
        gone = self._start
        if gone:
            self._text = self._text[gone:]
            self._offset += gone
            self._start = 0
            self._scan -= gone
            self._weighed -= gone
            self._word_start -= gone
            self._fallback -= gone
            self._full = max(0, self._full - gone)

    def _ready(self, place: int, final: bool) -> bool:
        """Whether the text is known up to ``place``."""
        return final or len(self._text) >= place

    def _next_cut(self, final: bool) -> int | None:
        """Where the current piece ends; None: not known yet."""
        if not self._opened and not self._open(final):
            return None
        if self._fence:
            return self._code_cut()
        pattern = _FIRST if self._is_first and self._policy.first_max_words else _LATER
        while True:
            horizon = self._start + self._limit
            mark = pattern.search(self._text, self._scan, horizon + LONGEST_MARK)
            known = min(mark.start() if mark else len(self._text), horizon + 1)
            limit = self._overflow(known)
            if limit is not None:
                return self._full or self._long_cut(limit, final)
            if mark is None:
                self._scan = max(self._scan, min(len(self._text), horizon))
                return None
            cut = self._judge(mark, final)
            if cut:
                cut = self._filled(cut)
            if cut is None or cut > 0:
                return cut

    def _filled(self, cut: int) -> int:
        """Where the piece ends, given that it may end at ``cut``; 0: more may fit behind it."""
        if not self._policy.fill:
            return cut
        if self._full and self._weight + len(self._text[self._weighed : cut].rstrip()) > self._limit:
            return self._full
        if self._text[cut - 1] in "\n\u2029" or (self._is_first and self._policy.first_max_words):
            return cut
        self._full = cut
        self._scan = max(self._scan, cut)
        return 0

    # --- code blocks -----------------------------------------------------------------------------------------------

    def _open(self, final: bool) -> bool:
        """Find out whether the piece is a fenced code block. False: more text is needed to tell."""
        if self._fence:
            self._opened = True
            return True
        text, limit = self._text, self._start + self._limit
        place = self._start
        while place < len(text) and place < limit and text[place].isspace():
            place += 1
        if place == len(text):
            return False
        self._opened = True
        if text[place] not in "`~" or not (self._line_start or "\n" in text[self._start : place]):
            return True
        self._opened = self._ready(place + FENCE_LINE, final) or "\n" in text[place : place + FENCE_LINE]
        if self._opened and (fence := _FENCE.match(text, place, place + FENCE_LINE)):
            self._fence = fence[1]
            self._scan = fence.end()
        return self._opened

    def _code_cut(self) -> int | None:
        """End of the line that closes the block, or of the last whole line within the buffer's bound."""
        limit = self._start + self._policy.max_buffer_chars
        while (newline := self._text.find("\n", self._scan, limit)) >= 0:
            if self._is_closing(self._text[self._scan : newline]):
                return newline + 1
            self._scan = newline + 1
        if len(self._text) <= limit:
            return None
        return self._scan if self._scan > self._start else self._safe(self._start, limit)

    def _is_closing(self, line: str) -> bool:
        line = line.strip()
        return len(line) >= len(self._fence) and line == self._fence[0] * len(line)

    def _closes_fence(self, text: str, cut: int) -> bool:
        line = text.rstrip("\n").rpartition("\n")
        return (bool(line[1]) or not _FENCE.match(text.lstrip())) and self._is_closing(line[2])

    # --- marks -----------------------------------------------------------------------------------------------------

    def _judge(self, mark: re.Match[str], final: bool) -> int | None:
        """Decide about one mark: a cut (> 0), no cut (0, and the scan moves on), or None: more text is needed."""
        end = mark.end()
        if end == len(self._text) and not final:
            return None
        if mark[0][0] in boundaries.TERMINATORS:
            cut = self._judge_terminator(end, final)
        elif mark[0] in "\n\u2029":
            cut = self._judge_newline(mark.start(), final)
        else:
            cut = 0
        if cut == 0 and mark[0].isspace():
            cut = self._judge_word(mark.start(), end)
        elif cut == 0 and mark[0] in boundaries.WIDE_CLAUSES:
            cut = self._judge_word(end, end)
        if cut and not can_cut(self._text, cut):
            cut = 0
        if cut:
            cut = self._unguarded(cut, final)
        if cut == 0:
            self._scan = max(self._scan, end)
        return cut

    def _unguarded(self, cut: int, final: bool) -> int | None:
        inside = self._guard.around(self._text, self._start, cut, final)
        if inside is None:
            return None
        if inside.end > cut:
            self._scan = inside.end
            return 0
        return cut

    def _judge_terminator(self, end: int, final: bool) -> int | None:
        after = self._text[end : end + 1]
        core = self._text[self._scan : end].rstrip(boundaries.CLOSERS)[-1:]
        if not after or not (after.isspace() or core in boundaries.UNSPACED):
            return 0
        if not self._ready(end + self._policy.look_ahead, final):
            return None
        if not boundaries.ends_sentence(self._text, self._start, end, self._policy.look_ahead, self._language):
            return 0
        return end + 1 if after.isspace() else end

    def _judge_newline(self, newline: int, final: bool) -> int | None:
        if not self._text[self._start : newline].strip():
            return 0
        if not self._ready(newline + 1 + self._policy.look_ahead, final):
            return None
        if boundaries.ends_line(self._text, self._start, newline, self._policy.look_ahead):
            return newline + 1
        return 0

    def _judge_word(self, word_end: int, mark_end: int) -> int:
        """Decide whether the first piece ends with the word before a space (or a wide clause mark)."""
        policy = self._policy
        if not (self._is_first and policy.first_max_words):
            return 0
        word = self._text[self._word_start : word_end]
        words = self._words + boundaries.count_words(word)
        if words >= policy.first_max_words and word:
            if boundaries.ends_clause(word, policy.first_boundaries):
                return mark_end
            if not policy.first_require_boundary and words >= policy.first_max_words + FIRST_SLACK:
                return self._fallback if word.endswith(".") and self._fallback > self._start else mark_end
            self._fallback = self._fallback if word.endswith(".") else mark_end
        self._words, self._word_start = words, mark_end
        return 0

    # --- pieces that grow too long ---------------------------------------------------------------------------------

    def _overflow(self, known: int) -> int | None:
        """Weigh the text up to ``known``; return the first place where the piece is too heavy, if it is."""
        run = self._text[self._weighed : known]
        weight = self._weight + len(run) + (HEAVY_WEIGHT - 1) * len(HEAVY.findall(run))
        if weight <= self._limit:
            self._weight, self._weighed = weight, max(self._weighed, known)
            return None
        weight = self._weight
        for place, char in enumerate(run, self._weighed):
            weight += HEAVY_WEIGHT if HEAVY.match(char) else 1
            if weight > self._limit:
                return max(place, self._start + 1)
        return None

    def _long_cut(self, limit: int, final: bool) -> int | None:
        """The best place at or before ``limit``: a clause mark, a space, else between two characters."""
        if not self._ready(limit + self._policy.look_ahead + self._guard.reach, final):
            return None
        low = self._start + (limit - self._start) // 3
        text = self._text
        places = boundaries.last_clause(text, low, limit) + boundaries.last_space(text, self._start + 1, limit)
        for place in places:
            if can_cut(text, place) and not self._guard.holds(text, self._start, place):
                return place
        return self._safe(self._start, limit)

    def _safe(self, low: int, high: int) -> int:
        """The last place in (low, high] that is inside no character, number or verbatim text; ``high`` if none is."""
        inside = self._guard.span(self._text, low, high)
        if inside is not None:
            return inside.start if inside.start > low else inside.end
        for place in range(high, max(low, high - LONGEST_CLUSTER), -1):
            if can_cut(self._text, place):
                return place
        return high
