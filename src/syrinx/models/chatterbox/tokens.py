"""T3, from text to speech tokens, one at a time: the loops of chatterbox-tts' ``t3.py`` (MIT), written as generators.

One job's loop holds all of its state (cache, tokens, random numbers), so that any number of them run side by side on
one network, and closing the generator is all that a cancel takes. Without guidance (``cfg_weight`` 0) one row is
computed instead of two. What would change no logit (a penalty of 1, a ``top_p`` of 1) is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .backbone import Backbone, Head, Rows
from .conditionals import Voice
from .options import AnyStyle, Style, TurboStyle
from .runtime import quiet

Processor = Callable[[Any, Any], Any]
"""Of token ids (1, n) and logits (1, vocabulary); gives logits."""


@dataclass(frozen=True, slots=True)
class Saying:
    """What one job says, and how."""

    text_ids: list[int]
    voice: Voice
    style: AnyStyle
    generator: Any
    """``torch.Generator`` on the CPU."""
    most: int
    """Tokens, after which it ends."""


def speech_tokens(t3: Any, backbone: Backbone | None, saying: Saying) -> Iterator[int]:
    """Give speech tokens until the model stops; some of them may be ids that are no sound (``SPEECH_TOKENS`` on).

    ``backbone`` is that of ``t3``, but for Turbo, which has no Llama.
    """
    import torch

    loop: _Llama | _Turbo
    with torch.inference_mode(), quiet():  # the perceiver of the conditions warns of its own age
        if isinstance(saying.style, TurboStyle):
            loop = _Turbo(t3, saying, saying.style)
        else:
            assert backbone is not None, "only Turbo has none"
            loop = _Llama(t3, backbone, saying, saying.style)
    for _ in range(saying.most):
        with torch.inference_mode():
            token = loop.next()
        if token == t3.hp.stop_speech_token:
            return
        yield token


class _Llama:
    """English and Multilingual: classifier-free guidance, emotion, learned positions."""

    def __init__(self, t3: Any, backbone: Backbone, saying: Saying, style: Style) -> None:
        import torch

        self._t3 = t3
        self._guidance = style.cfg_weight
        self._draw = _Draw(t3, saying.generator, _penalty_first(style))
        rows = 2 if style.cfg_weight > 0 else 1
        text = torch.tensor([saying.text_ids] * rows, device=t3.device)
        start = torch.full((rows, 1), t3.hp.start_speech_token, device=t3.device)
        inputs, conditions = t3.prepare_input_embeds(
            t3_cond=_conditions(t3, saying.voice, style.exaggeration),
            text_tokens=text,
            speech_tokens=start,
            cfg_weight=style.cfg_weight,
        )
        again = t3.speech_emb(start) + t3.speech_pos_emb.get_fixed_embedding(0)  # upstream gives the start twice
        self._inputs = torch.cat([inputs, again], dim=1)
        self._rows = rows
        self._count = 0
        self._analyzer: Any = _analyzer(t3, conditions, text.shape[1]) if t3.hp.is_multilingual else None
        self._through = Rows(backbone, rows, _watched() if t3.hp.is_multilingual else ())

    def next(self) -> int:
        logits = self._guided(self._t3.speech_head(self._through.go_on(self._inputs)).float())
        if self._analyzer is not None:
            logits = self._checked(logits)
        token = self._draw(logits)
        self._count += 1
        place = self._t3.speech_pos_emb.get_fixed_embedding(self._count)
        self._inputs = (self._t3.speech_emb(self._draw.last) + place).expand(self._rows, -1, -1)
        return token

    def _guided(self, logits: Any) -> Any:
        if self._rows == 1:
            return logits
        return logits[:1] + self._guidance * (logits[:1] - logits[1:])

    def _checked(self, logits: Any) -> Any:
        """Have the library look whether the end is due, or overdue: it reads that off three heads' attention."""
        analyzer = self._analyzer
        analyzer.last_aligned_attns = self._through.attention
        return analyzer.step(logits, next_token=int(self._draw.last))


class _Turbo:
    """GPT-2: no guidance, no emotion, no positions of its own; the penalty comes last."""

    def __init__(self, t3: Any, saying: Saying, style: TurboStyle) -> None:
        import torch

        self._t3 = t3
        self._draw = _Draw(t3, saying.generator, _penalty_last(style))
        text = torch.tensor([saying.text_ids], device=t3.device)
        start = torch.full((1, 1), t3.hp.start_speech_token, device=t3.device)
        self._inputs, _ = t3.prepare_input_embeds(
            t3_cond=_conditions(t3, saying.voice, None), text_tokens=text, speech_tokens=start, cfg_weight=0.0
        )
        self._past: Any = None

    def next(self) -> int:
        out = self._t3.tfmr(inputs_embeds=self._inputs, past_key_values=self._past, use_cache=True)
        self._past = out.past_key_values
        token = self._draw(self._t3.speech_head(out.last_hidden_state[:, -1]).float())
        self._inputs = self._t3.speech_emb(self._draw.last)
        return token


class _Draw:
    """Draws tokens of one job and remembers them; the start is the first."""

    def __init__(self, t3: Any, generator: Any, processors: list[Processor]) -> None:
        import torch

        self._generator = generator
        self._processors = processors
        self._drawn = torch.full((1, 1), t3.hp.start_speech_token, device=t3.device)

    @property
    def last(self) -> Any:
        """The last token, int64 (1, 1)."""
        return self._drawn[:, -1:]

    def __call__(self, logits: Any) -> int:
        """Draw by logits, float32 (1, vocabulary). On the CPU, where the job's own random numbers are."""
        import torch

        for process in self._processors:
            logits = process(self._drawn, logits)
        token = torch.multinomial(logits.softmax(-1).cpu(), 1, generator=self._generator)
        self._drawn = torch.cat([self._drawn, token.to(self._drawn.device)], dim=1)
        return int(token)


def _conditions(t3: Any, voice: Voice, exaggeration: float | None) -> Any:
    """Make new ones for each job: the library writes into them."""
    import torch
    from chatterbox.models.t3.modules.cond_enc import T3Cond

    dtype = t3.speech_head.weight.dtype
    emotion = None if exaggeration is None else torch.full((1, 1, 1), exaggeration, dtype=dtype, device=t3.device)
    return T3Cond(speaker_emb=voice.speaker.to(dtype), cond_prompt_speech_tokens=voice.style_token, emotion_adv=emotion)


def _penalty_first(style: Style) -> list[Processor]:
    from transformers.generation import logits_process as steps

    processors: list[Processor] = []
    if style.repetition_penalty != 1:
        processors.append(steps.RepetitionPenaltyLogitsProcessor(penalty=style.repetition_penalty))
    if style.temperature != 1:
        processors.append(steps.TemperatureLogitsWarper(style.temperature))
    if style.min_p > 0:
        processors.append(steps.MinPLogitsWarper(min_p=style.min_p))
    if style.top_p < 1:
        processors.append(steps.TopPLogitsWarper(top_p=style.top_p))
    return processors


def _penalty_last(style: TurboStyle) -> list[Processor]:
    from transformers.generation import logits_process as steps

    processors: list[Processor] = [steps.TopKLogitsWarper(style.top_k)]
    if style.temperature != 1:
        processors.insert(0, steps.TemperatureLogitsWarper(style.temperature))
    if style.top_p < 1:
        processors.append(steps.TopPLogitsWarper(style.top_p))
    if style.repetition_penalty != 1:
        processors.append(steps.RepetitionPenaltyLogitsProcessor(penalty=style.repetition_penalty))
    return processors


def _watched() -> list[Head]:
    """The heads that the analyzer reads."""
    from chatterbox.models.t3.inference.alignment_stream_analyzer import LLAMA_ALIGNED_HEADS

    return [(layer, head) for layer, head in LLAMA_ALIGNED_HEADS]


def _analyzer(t3: Any, conditions: int, text: int) -> Any:
    """The library's check of where in the text the speech is, fed by us: its own hooks would stay in the network."""
    from chatterbox.models.t3.inference.alignment_stream_analyzer import AlignmentStreamAnalyzer

    base: Any = AlignmentStreamAnalyzer
    fed: Any = type("Fed", (base,), {"_add_attention_spy": lambda *_: None})
    return fed(t3.tfmr, None, text_tokens_slice=(conditions, conditions + text), eos_idx=t3.hp.stop_speech_token)
