"""What the talker is given before it speaks: text and codes as one sequence of vectors.

Two tracks are added up: text on one, codec marks on the other. The layout is that of ``generate`` in
``qwen_tts/core/models/modeling_qwen3_tts.py`` (Apache-2.0) for one text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .kinds import Tensor
from .languages import AUTO
from .line import Line
from .openings import joined


@dataclass(frozen=True, slots=True)
class Script:
    """What the talker starts from. All of the talker's dtype, on its device."""

    start: Tensor
    """(1, n, hidden): read at once."""
    trailing: Tensor
    """(1, m, hidden): text that is added to the frames as they come, one vector a frame; then ``rest``."""
    rest: Tensor
    """(1, 1, hidden)."""


class Scribe:
    """Writes scripts for one loaded model."""

    def __init__(self, model: Any) -> None:
        self._model = model.model
        self._talker = model.model.talker
        self._config = model.model.config
        self._codes = self._config.talker_config
        self._tokenizer = model.processor.tokenizer

    def write(self, line: Line) -> Script:
        """Whole text first, as the library does for speakers and descriptions; in step with the frames for clones.

        Behind an opening the talker stands where it would stand, had it been given both texts and made those frames.
        """
        begin, end, rest = self._text_marks()
        clone, opening = line.clone, line.opening
        text = self._tokens(line.text if opening is None else joined(opening.text, line.text))
        if clone is not None and clone.codes is not None:
            text = self._tokens(clone.text) + text
        parts = [self._text(self._tokens(line.instructions, "user", closed=True))] if line.instructions else []
        parts.append(self._text(self._tokens("", "assistant")))
        head = self._head(line)
        filler = torch.cat([rest.expand(-1, head.shape[1] - 1, -1), begin], 1)
        parts.append(filler + head)
        known = clone if clone is not None else opening
        frames = self._begin() if known is None or known.codes is None else self._begun(known.codes)
        if self._config.tts_model_type == "base":
            spoken, trailing = self._in_step(text, frames, end, rest)
        else:
            spoken, trailing = self._ahead(text, frames, end, rest), rest
        return Script(torch.cat([*parts, spoken], 1), trailing, rest)

    def _head(self, line: Line) -> Tensor:
        """Codec track: the language, the speaker where there is one, and padding."""
        codes, language = self._codes, self._language(line)
        if language is None:
            tags = [codes.codec_nothink_id, codes.codec_think_bos_id, codes.codec_think_eos_id]
        else:
            tags = [codes.codec_think_id, codes.codec_think_bos_id, language, codes.codec_think_eos_id]
        parts = [self._code(tags)]
        if line.speaker:
            parts.append(self._code([codes.spk_id[line.speaker]]))
        elif line.clone is not None:
            speaker = torch.from_numpy(line.clone.speaker).to(self._talker.device, self._talker.dtype)
            parts.append(speaker.view(1, 1, -1))
        return torch.cat([*parts, self._code([codes.codec_pad_id])], 1)

    def _language(self, line: Line) -> int | None:
        """Speakers of a dialect speak it where the language is Chinese, or left to the model."""
        dialect = (self._codes.spk_is_dialect or {}).get(line.speaker)
        if dialect and line.language in (AUTO, "chinese"):
            return self._codes.codec_language_id[dialect]
        return None if line.language == AUTO else self._codes.codec_language_id[line.language]

    def _ahead(self, text: list[int], frames: Tensor, end: Tensor, rest: Tensor) -> Tensor:
        """All text and its end over padding, then the mark to begin and the frames that are known."""
        read = torch.cat([self._text(text), end], 1)
        return torch.cat([read + self._code([self._codes.codec_pad_id]), rest + frames], 1)

    def _in_step(self, text: list[int], frames: Tensor, end: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
        """Each token with the mark to begin or a frame that is known; text that has no frame yet trails."""
        read = torch.cat([self._text(text), end], 1)
        ahead = frames.shape[1] - read.shape[1]
        if ahead < 0:
            return read[:, : frames.shape[1]] + frames, read[:, frames.shape[1] :]
        return torch.cat([read, rest.expand(-1, ahead, -1)], 1) + frames, rest

    def _begun(self, codes: NDArray[np.int64]) -> Tensor:
        """The mark to begin and frames, int64 of shape (n, groups)."""
        return torch.cat([self._begin(), self._frames(torch.from_numpy(codes))], 1)

    def _frames(self, codes: Tensor) -> Tensor:
        """Vectors of frames, int64 of shape (n, groups): the sum of the vectors of their codes."""
        codes = codes.to(self._talker.device)
        others = self._talker.code_predictor.get_input_embeddings()
        summed = self._talker.get_input_embeddings()(codes[:, 0])
        for group in range(1, codes.shape[1]):
            summed = summed + others[group - 1](codes[:, group])
        return summed.unsqueeze(0)

    def _begin(self) -> Tensor:
        return self._code([self._codes.codec_bos_id])

    def _text_marks(self) -> tuple[Tensor, Tensor, Tensor]:
        config = self._config
        marks = self._text([config.tts_bos_token_id, config.tts_eos_token_id, config.tts_pad_token_id])
        begin, end, rest = marks.chunk(3, 1)
        return begin, end, rest

    def _text(self, tokens: Sequence[int]) -> Tensor:
        ids = torch.tensor([list(tokens)], device=self._talker.device)
        return self._talker.text_projection(self._talker.get_text_embeddings()(ids))

    def _code(self, codes: Sequence[int]) -> Tensor:
        return self._talker.get_input_embeddings()(torch.tensor([list(codes)], device=self._talker.device))

    def _tokens(self, text: str, role: str = "", closed: bool = False) -> list[int]:
        """Token ids of text, in which the tokenizer's own marks are plain letters; with a ``role``, of its turn."""
        backend = self._tokenizer.backend_tokenizer
        backend.encode_special_tokens = True
        try:
            read = backend.encode(text, add_special_tokens=False).ids if text else []
        finally:
            backend.encode_special_tokens = False
        if not role:
            return read
        before = backend.encode(f"<|im_start|>{role}\n", add_special_tokens=False).ids
        after = backend.encode("<|im_end|>\n", add_special_tokens=False).ids if closed else []
        return [*before, *read, *after]
