"""The options of Orpheus and Veena."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from syrinx.models.device import DeviceOptions
from syrinx.models.options import Range

from .ids import TokenIds
from .sampling import MaxTokens, RepetitionPenalty, Sampling, Temperature, TopP
from .windows import EXACT_CONTEXT, WindowPolicy

Source = Literal["transformers", "vllm", "upstream"]
TokenId = Annotated[int, Range(ge=0, le=2_000_000)]
Ahead = Annotated[int, Range(ge=0, le=EXACT_CONTEXT, description="Frames decoded beyond those kept: 3 is exact")]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrpheusOptions(DeviceOptions):
    """``docs/models/orpheus.md`` says what each is for."""

    weights: Annotated[str, Range(description="Folder of the language model (source upstream: not read)")] = ""
    snac: Annotated[
        str, Range(description="Folder of the codec; empty: where it is fetched to, beside the weights")
    ] = ""
    source: Annotated[Source, Range(description="What computes the tokens")] = "transformers"

    temperature: Temperature = 0.6
    top_p: TopP = 0.9
    repetition_penalty: RepetitionPenalty = 1.1
    max_tokens: MaxTokens = 0

    slot_mask: Annotated[
        bool, Range(description="Let only tokens of the slot that is due be drawn: faster, and frames are always whole")
    ] = True
    attention: Annotated[Literal["sdpa", "eager"], Range(description="Implementation of attention")] = "sdpa"
    max_batch: Annotated[int, Range(ge=1, le=256, description="Jobs advanced by one step")] = 8
    step_frames: Annotated[int, Range(ge=1, le=16, description="Codec frames made by one step and job")] = 1
    context_tokens: Annotated[
        int, Range(ge=1024, le=32768, description="Tokens of prompt and speech together that the model can take")
    ] = 2048
    gpu_memory_share: Annotated[float, Range(gt=0, le=1, description="Share of the GPU's memory that it may take")] = (
        0.9
    )

    first_frames: Annotated[int, Range(ge=1, le=32, description="Codec frames (85 ms) of the first chunk")] = 1
    hop_frames: Annotated[int, Range(ge=1, le=64, description="Codec frames of later chunks, at most")] = 4
    first_lookahead_frames: Ahead = 2
    lookahead_frames: Ahead = EXACT_CONTEXT

    url: Annotated[str, Range(pattern=r"^(https?://.+)?$", description="Source upstream: server, without /v1")] = ""
    upstream_model: Annotated[str, Range(description="Source upstream: name there; empty: the first it lists")] = ""
    upstream_kind: Annotated[
        Literal["vllm", "plain"], Range(description="Source upstream: vllm gives ids, any other gives text")
    ] = "vllm"
    api_key_file: Annotated[str, Range(description="Source upstream: file whose first line is the key")] = ""
    timeout_s: Annotated[float, Range(gt=0, le=600, description="Source upstream: longest wait for the next token")] = (
        30.0
    )

    begin_text_id: TokenId = TokenIds().begin_text
    end_turn_id: TokenId = TokenIds().end_turn
    custom_base_id: TokenId = TokenIds().custom_base
    start_speech_id: TokenId = TokenIds().start_speech
    start_human_id: TokenId = TokenIds().start_human
    end_human_id: TokenId = TokenIds().end_human
    start_ai_id: TokenId = TokenIds().start_ai
    audio_base_id: TokenId = TokenIds().audio_base
    stop_token_ids: tuple[TokenId, ...] = TokenIds().stops

    @property
    def sampling(self) -> Sampling:
        """What a request that asks for nothing gets."""
        return Sampling(self.temperature, self.top_p, self.repetition_penalty, self.max_tokens)

    @property
    def windows(self) -> WindowPolicy:
        return WindowPolicy(
            min(self.first_frames, self.hop_frames), self.first_lookahead_frames, self.hop_frames, self.lookahead_frames
        )

    @property
    def ids(self) -> TokenIds:
        return TokenIds(
            begin_text=self.begin_text_id,
            end_turn=self.end_turn_id,
            custom_base=self.custom_base_id,
            start_speech=self.start_speech_id,
            start_human=self.start_human_id,
            end_human=self.end_human_id,
            start_ai=self.start_ai_id,
            audio_base=self.audio_base_id,
            stops=self.stop_token_ids,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VeenaOptions(OrpheusOptions):
    """The same, with the sampling that Veena publishes."""

    temperature: Temperature = 0.4
    top_p: TopP = 0.9
    repetition_penalty: RepetitionPenalty = 1.05
