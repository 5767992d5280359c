"""Which models there are and how each is made. A new model is one package under ``models/`` and one entry here.

Nothing of a model is imported before ``create``: an entry names its classes by words.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from syrinx.core.errors import InvalidRequest, ModelNotFound, ModelNotReady

from .base import Backend
from .options import options_schema, parse_options
from .presets import Converter
from .variant import Variant
from .weights import Weights


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model that can be served."""

    name: str
    title: str
    summary: str
    """One sentence: what it is good for."""
    licence: str
    """SPDX identifier of library and weights as run."""
    factory: str
    """``"package.module:Class"`` of the ``Backend``, constructed with its options."""
    options: str
    """``"package.module:Class"`` of its frozen options dataclass; importing it needs no model library."""
    requires: tuple[str, ...] = ()
    """Import names that must be there, in the environment that it runs in."""
    advice: str = ""
    """How to get what is missing, e.g. a pip command."""
    needs: tuple[str, ...] = ()
    """Options without which it cannot run; ``advice`` says how to set them."""
    environment: str = ""
    """Name in ``environment.ENVIRONMENTS``; empty: it runs in the server's own."""
    weights: tuple[Weights, ...] = ()
    """Checkpoints that it can be loaded from, the default first; empty: it needs none. Its options then have
    ``weights``: a folder, or one of these repositories."""
    languages: tuple[str, ...] = ()
    """BCP 47 tags, to be known before it is loaded; empty: see its page."""
    presets: str = ""
    """``"package.module:function"``, a ``presets.Converter``: its voices are published as pickles, and it has none
    before they are converted. Empty: it has voices, or needs none."""
    clones: bool = False
    """As ``ModelInfo.clones`` with some of its weights, to be known before it is loaded."""
    speaks: bool = True
    """False for stand-ins, which ``choose_auto`` takes only when nothing else is there."""
    variants: tuple[Variant, ...] = ()
    """What it needs otherwise with some of its options."""

    def under(self, options: Mapping[str, Any]) -> ModelEntry:
        """The entry as it is with these options: its environment and weights may depend on them."""
        for variant in self.variants:
            if options.get(variant.option) == variant.value:
                return self._as(variant)
        return self

    def forms(self) -> tuple[ModelEntry, ...]:
        """The entry as it is with any options."""
        return (self, *map(self._as, self.variants))

    def _as(self, variant: Variant) -> ModelEntry:
        return replace(self, **variant.changes())  # pyright: ignore[reportArgumentType]

    def options_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the options in ``model_options``."""
        return options_schema(_resolve(self.options))

    def converter(self) -> Converter:
        """What makes its voices of the published ones. Raises ``InvalidRequest`` where it needs none."""
        if not self.presets:
            raise InvalidRequest(f"The model {self.name} has no presets to convert.", param="model")
        return _resolve(self.presets)


QWEN_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "model*.safetensors",
    "speech_tokenizer/*config.json",
    "speech_tokenizer/*.safetensors",
    "*",
)
"""The last takes all that is published; those before it are what tells the checkpoint from any other folder."""
SNAC = Weights("hubertsiuzdak/snac_24khz", 80_000_000, "MIT", ("config.json", "pytorch_model.bin"), named_by="snac")
TOKEN_SOURCES = (
    Variant("source", "upstream", weights=(SNAC,)),
    Variant("source", "vllm", environment="orpheus-vllm", requires=("vllm", "snac")),
)
"""Of Orpheus and Veena: a server of language models has the weights itself; vLLM has an environment of its own."""


def _table(*entries: ModelEntry) -> Mapping[str, ModelEntry]:
    return MappingProxyType({entry.name: entry for entry in entries})


MODELS: Mapping[str, ModelEntry] = _table(
    ModelEntry(
        name="pocket",
        title="Pocket TTS",
        summary="Kyutai's model for CPUs: seven languages, clones, many voices at once faster than they speak.",
        licence="MIT AND CC-BY-4.0",
        factory="syrinx.models.pocket.backend:PocketBackend",
        options="syrinx.models.pocket.options:PocketOptions",
        environment="pocket",
        weights=(
            Weights(
                repo="kyutai/pocket-tts-without-voice-cloning",
                size_bytes=385_000_000,
                licence="CC-BY-4.0; two voices not for commerce, some of no stated licence",
                files=("languages/english/model.safetensors", "languages/english/embeddings/*", "languages/english/*"),
                note="English with its named voices; does not clone",
            ),
            Weights(
                repo="kyutai/pocket-tts",
                size_bytes=219_000_000,
                licence="CC-BY-4.0; its terms must be accepted on the hub",
                files=("languages/english/model.safetensors",),
                note="English that clones",
                parts=(
                    Weights(
                        repo="kyutai/pocket-tts-without-voice-cloning",
                        size_bytes=166_000_000,
                        licence="CC-BY-4.0; two voices not for commerce, some of no stated licence",
                        files=("languages/english/tokenizer.json", "languages/english/embeddings/*"),
                        note="tokenizer and named voices",
                    ),
                ),
            ),
            Weights(
                repo="Verylicious/pocket-tts-ungated",
                size_bytes=260_000_000,
                licence="CC-BY-4.0",
                files=("*.safetensors", "*"),
                note="English of January 2026 that clones, as the desktop sidecar fetches it",
            ),
        ),
        languages=("en", "fr", "de", "it", "pt", "es", "nl"),
        clones=True,
    ),
    ModelEntry(
        name="kokoro",
        title="Kokoro",
        summary="82 million parameters, nine languages, 54 voices and any blend of them, word times; good on a CPU.",
        licence="Apache-2.0 AND GPL-3.0-or-later",
        factory="syrinx.models.kokoro.backend:KokoroBackend",
        options="syrinx.models.kokoro.options:KokoroOptions",
        environment="kokoro",
        weights=(
            Weights(
                repo="hexgrad/Kokoro-82M",
                size_bytes=356_000_000,
                licence="Apache-2.0",
                files=("config.json", "kokoro-v1_0.pth", "voices/*.pt"),
            ),
        ),
        languages=("en-US", "en-GB", "es", "fr-FR", "hi", "it", "ja", "pt-BR", "zh-CN"),
    ),
    ModelEntry(
        name="kokoro-onnx",
        title="Kokoro (ONNX)",
        summary="Kokoro without torch: half of the disk, the same voices; speed is left to the audio chain.",
        licence="Apache-2.0 AND MIT AND GPL-3.0-or-later",
        factory="syrinx.models.kokoro_onnx.backend:KokoroOnnxBackend",
        options="syrinx.models.kokoro_onnx.options:KokoroOnnxOptions",
        environment="kokoro-onnx",
        weights=(
            Weights(
                repo="fastrtc/kokoro-onnx",
                size_bytes=354_000_000,
                licence="Apache-2.0",
                files=("kokoro-v1.0.onnx", "voices-v1.0.bin"),
                note="The files that kokoro-onnx publishes, on the hub.",
            ),
        ),
        languages=("en-US", "en-GB", "es", "fr-FR", "hi", "it", "ja", "pt-BR", "zh-CN"),
    ),
    ModelEntry(
        name="qwen",
        title="Qwen3-TTS",
        summary="Ten languages; own speakers, clones, or voices described in words, by the weights: for a GPU.",
        licence="Apache-2.0",
        factory="syrinx.models.qwen.backend:QwenBackend",
        options="syrinx.models.qwen.options:QwenOptions",
        environment="qwen",
        weights=(
            Weights(
                repo="Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice",
                size_bytes=2_500_000_000,
                licence="Apache-2.0",
                files=QWEN_FILES,
                note="nine speakers",
            ),
            Weights(
                repo="Qwen/Qwen3-TTS-12Hz-0.6B-Base",
                size_bytes=2_520_000_000,
                licence="Apache-2.0",
                files=QWEN_FILES,
                note="clones voices; has none of its own",
            ),
            Weights(
                repo="Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice",
                size_bytes=4_520_000_000,
                licence="Apache-2.0",
                files=QWEN_FILES,
                note="nine speakers, which follow instructions",
            ),
            Weights(
                repo="Qwen/Qwen3-TTS-12Hz-1.7B-Base",
                size_bytes=4_540_000_000,
                licence="Apache-2.0",
                files=QWEN_FILES,
                note="clones voices, more alike",
            ),
            Weights(
                repo="Qwen/Qwen3-TTS-12Hz-1.7B-VoiceDesign",
                size_bytes=4_520_000_000,
                licence="Apache-2.0",
                files=QWEN_FILES,
                note="voices that instructions describe",
            ),
        ),
        languages=("zh", "en", "ja", "ko", "de", "fr", "ru", "pt", "es", "it"),
        clones=True,
    ),
    ModelEntry(
        name="chatterbox",
        title="Chatterbox",
        summary="Expressive cloned voices with a dial for emotion, in English or 23 languages: for a GPU.",
        licence="MIT",
        factory="syrinx.models.chatterbox.backend:ChatterboxBackend",
        options="syrinx.models.chatterbox.options:ChatterboxOptions",
        environment="chatterbox",
        weights=(
            Weights(
                repo="ResembleAI/chatterbox",
                size_bytes=5_340_000_000,
                licence="MIT",
                # t3_cfg and t3_mtl23ls_v2; not v3, which the library that is run here does not load
                files=("ve.safetensors", "s3gen.safetensors", "t3_[cm]*[g2].safetensors", "*.json", "conds.pt"),
                note="English, and with variant = multilingual 23 languages",
            ),
            Weights(
                repo="ResembleAI/chatterbox-turbo",
                size_bytes=4_044_000_000,
                licence="MIT",
                files=("t3_turbo_v1.safetensors", "s3gen_meanflow.safetensors", "ve.safetensors", "conds.pt", "*"),
                note="Turbo: English, faster, without exaggeration",
            ),
        ),
        languages=tuple("en ar da de el es fi fr he hi it ja ko ms nl no pl pt ru sv sw tr zh".split()),
        clones=True,
    ),
    ModelEntry(
        name="vibevoice-realtime",
        title="VibeVoice Realtime 0.5B",
        summary="Reads English while it speaks, made for a small GPU; 25 voices, nine other languages for trying out.",
        licence="MIT AND Apache-2.0",
        factory="syrinx.models.vibevoice_realtime.backend:RealtimeBackend",
        options="syrinx.models.vibevoice_realtime.options:RealtimeOptions",
        requires=("transformers", "diffusers"),
        environment="vibevoice",
        weights=(
            Weights(
                repo="microsoft/VibeVoice-Realtime-0.5B",
                size_bytes=2_040_000_000,
                licence="MIT",
                files=("config.json", "preprocessor_config.json", "*.safetensors"),
                parts=(Weights("Qwen/Qwen2.5-0.5B", 7_000_000, "Apache-2.0", ("tokenizer.json",), "its tokenizer"),),
            ),
        ),
        presets="syrinx.models.vibevoice_realtime.convert:convert",
        languages=("en", "de", "fr", "it", "ja", "ko", "nl", "pl", "pt", "es"),
    ),
    ModelEntry(
        name="vibevoice",
        title="VibeVoice 1.5B",
        summary="Expressive long-form English and Chinese, made for a GPU; clones, and has no voices of its own.",
        licence="MIT AND Apache-2.0",
        factory="syrinx.models.vibevoice.backend:VibeVoiceBackend",
        options="syrinx.models.vibevoice.options:VibeVoiceOptions",
        requires=("transformers", "diffusers"),
        environment="vibevoice",
        weights=(
            Weights(
                repo="vibevoice/VibeVoice-1.5B-hf",
                size_bytes=5_420_000_000,
                licence="MIT",
                files=("*.json", "*.jinja", "*.safetensors"),
                note="microsoft/VibeVoice-1.5B in the layout of transformers",
            ),
        ),
        languages=("en", "zh"),
        clones=True,
    ),
    ModelEntry(
        name="orpheus",
        title="Orpheus 3B",
        summary="English with laughs and sighs, by a language model: for a GPU, or for a server of language models.",
        licence="Apache-2.0; weights: Llama 3.2 Community License",
        factory="syrinx.models.orpheus.backend:OrpheusBackend",
        options="syrinx.models.orpheus.options:OrpheusOptions",
        environment="orpheus",
        weights=(
            Weights(
                repo="canopylabs/orpheus-3b-0.1-ft",
                size_bytes=15_100_000_000,
                licence="Llama 3.2 Community License by its makers' word, Apache-2.0 by its card; terms to be accepted",
                files=("*.json", "*.safetensors"),
                parts=(SNAC,),
            ),
        ),
        languages=("en",),
        variants=TOKEN_SOURCES,
    ),
    ModelEntry(
        name="veena",
        title="Veena 3B",
        summary="Hindi, English and both mixed, by a language model: for a GPU, or for a server of language models.",
        licence="Apache-2.0",
        factory="syrinx.models.orpheus.backend:VeenaBackend",
        options="syrinx.models.orpheus.options:VeenaOptions",
        environment="orpheus",
        weights=(
            Weights(
                repo="maya-research/veena-tts",
                size_bytes=7_600_000_000,
                licence="Apache-2.0",
                files=("*.json", "*.safetensors"),
                note="listed as maya-research/Veena too",
                parts=(SNAC,),
            ),
        ),
        languages=("hi", "en-IN"),
        variants=TOKEN_SOURCES,
    ),
    ModelEntry(
        name="upstream",
        title="Upstream",
        summary="The voices of another server with OpenAI's speech API: vLLM-Omni, SGLang-Omni, another Syrinx.",
        licence="the upstream's own",
        factory="syrinx.models.upstream.backend:UpstreamBackend",
        options="syrinx.models.upstream.options:UpstreamOptions",
        needs=("base_url",),
        advice='model_options = {"upstream": {"base_url": "http://127.0.0.1:8091/v1"}}',
    ),
    ModelEntry(
        name="espeak",
        title="eSpeak NG",
        summary="Formant synthesis: 130+ languages, under a millisecond to first audio, no download, no GPU.",
        licence="GPL-3.0-or-later",
        factory="syrinx.models.espeak.backend:EspeakBackend",
        options="syrinx.models.espeak.options:EspeakOptions",
        requires=("espeakng_loader",),
        advice="pip install 'syrinx-tts[espeak]'",
    ),
    ModelEntry(
        name="tone",
        title="Tone",
        summary="A stand-in that beeps at a set speed and fails on demand, for tests and capacity planning.",
        licence="Apache-2.0",
        factory="syrinx.models.tone.backend:ToneBackend",
        options="syrinx.models.tone.options:ToneOptions",
        clones=True,
        speaks=False,
    ),
)
"""Every model by name, in the order in which ``choose_auto`` prefers them.

Sizes and licences of weights are those of November 2026. Sizes: by the hub's own file lists and by manifests of other
projects that carry sizes (audio.cpp's for Pocket TTS). Not seen as a list: Orpheus (four shards in float32, "almost
15GB" in its issue 83), Veena (3.8 billion parameters in bfloat16), Qwen3-TTS 1.7B Base (as much larger than its
CustomVoice as with 0.6B). Licences: the cards as the hub or copies of it show them; Orpheus': its makers in their
issues 29 and 33, who say other than the card. Where to read more: each model's page.
"""


WHISPER_FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.*")

AIDS: Mapping[str, ModelEntry] = _table(
    ModelEntry(
        name="whisper",
        title="Whisper",
        summary="Writes down what is said in a recording that a voice is cloned from.",
        licence="MIT",
        factory="",
        options="syrinx.models.whisper.options:WhisperOptions",
        requires=("faster_whisper",),
        environment="whisper",
        weights=tuple(
            Weights(f"Systran/faster-whisper-{name}", size_bytes, "MIT", WHISPER_FILES, note)
            for name, size_bytes, note in (
                ("base", 148_000_000, "Good enough for a clear recording in a large language."),
                ("small", 486_000_000, "Fewer mistakes, three times slower."),
                ("large-v3", 3_090_000_000, "Fewest mistakes, for a GPU."),
            )
        ),
        speaks=False,
    ),
)
"""What models are helped by: installed like them, and no models."""


def find(name: str) -> ModelEntry:
    """Return the entry of that name. Raises ``ModelNotFound`` listing the names there are."""
    if name not in MODELS:
        raise ModelNotFound(f"There is no model {name!r}. There are: {', '.join(MODELS)}.", param="model")
    return MODELS[name]


def importable(name: str) -> bool:
    """Whether a top-level package could be imported, without importing it."""
    return importlib.util.find_spec(name) is not None


def missing(entry: ModelEntry, installed: Callable[[str], bool] = importable) -> str | None:
    """Say what the model lacks on this machine and how to get it, as a full sentence; None when it can run."""
    absent = [name for name in entry.requires if not installed(name)]
    if not absent:
        return None
    advice = entry.advice or f"syrinx models install {entry.name}"
    return f"The model {entry.name} needs {', '.join(absent)}, which is not installed: {advice}"


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Raise what ``create`` would raise for a name or options that are wrong, without making anything."""
    entry = AIDS.get(name) or find(name)
    parse_options(name, _resolve(entry.options), options)


def create(name: str, options: Mapping[str, Any], installed: Callable[[str], bool] = importable) -> Backend:
    """Make the backend of a model; nothing heavy happens before its ``load``.

    Raises ``ModelNotFound``; ``ConfigError`` naming an option that is unknown, ill-typed or out of range; and
    ``ModelNotReady`` saying what is not installed.
    """
    entry = find(name)
    parsed = parse_options(name, _resolve(entry.options), options)
    lacking = missing(entry, installed)
    if lacking is not None:
        raise ModelNotReady(lacking)
    return _resolve(entry.factory)(parsed)


def _resolve(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
