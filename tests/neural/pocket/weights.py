"""Builds a checkpoint of Pocket TTS with random weights, as it is published: for tests tiny, for benchmarks full.

Its end logit is -50 always, so speech ends where the text's length says (``eos_threshold`` -100 ends it at once).
"""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np

TINY_VOCABULARY = 640
SENTENCES = [
    "Hello world, this is a test of the text to speech server. Good morning. Another word here, word by word.",
    "The quick brown fox jumps over the lazy dog, and then it sleeps for a long while in the sun.",
    f"{'x' * 64} {'!' * 8}",
]
LEVEL = 0.1
"""Root mean square of what it says."""
VOICES = {"alba": 220.0, "marius": 110.0}
"""Named voices, by the pitch of the recording that they are made of."""
NEVER = -50.0


def build(folder: Path, *, full: bool = False, config: str = "english") -> Path:
    """Write the checkpoint of ``config``: tiny, with a yaml of its own; or full size, in ``languages/<config>/``."""
    import yaml
    from pocket_tts.utils.config import CONFIGS_DIR

    described = yaml.safe_load((Path(CONFIGS_DIR) / f"{config}.yaml").read_text())
    inner = folder / "languages" / config if full else folder
    inner.mkdir(parents=True, exist_ok=True)
    lookup = described["flow_lm"]["lookup_table"]
    if not full:
        _shrink(described)
    tokenizer = _tokenizer(inner, lookup["tokenizer"], lookup["n_bins"])
    model = _model(described, tokenizer, folder)
    _save(model, inner / "model.safetensors")
    (inner / "embeddings").mkdir(exist_ok=True)
    for name, pitch in VOICES.items():
        _voice(model, inner / "embeddings" / f"{name}.safetensors", pitch)
    if not full:
        described["weights_path"] = "hf://kyutai/pocket-tts/model.safetensors@main"
        described["weights_path_without_voice_cloning"] = None
        lookup["tokenizer_path"] = f"hf://kyutai/pocket-tts/{tokenizer.name}@main"
        (folder / "model.yaml").write_text(yaml.safe_dump(described))
    return folder


def library_yaml(folder: Path, *, config: str = "english") -> Path:
    """Write, in a folder of its own, the yaml by which pocket-tts itself loads what ``build`` wrote."""
    import yaml
    from pocket_tts.utils.config import CONFIGS_DIR

    own = folder / "model.yaml"
    inner = folder if own.exists() else folder / "languages" / config
    described = yaml.safe_load((own if own.exists() else Path(CONFIGS_DIR) / f"{config}.yaml").read_text())
    described["weights_path"] = str(inner / "model.safetensors")
    described["weights_path_without_voice_cloning"] = None
    lookup = described["flow_lm"]["lookup_table"]
    lookup["tokenizer_path"] = str(next(inner.glob("tokenizer.*")))
    path = folder / "library" / f"{config}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(described))
    return path


def _shrink(described: dict[str, Any]) -> None:
    """The same architecture, 0.2 M parameters."""
    lm, mimi = described["flow_lm"], described["mimi"]
    lm["flow"].update(dim=32, depth=2)
    lm["transformer"].update(d_model=32, num_heads=2, num_layers=2)
    if lm["transformer"].get("attn_dim"):
        lm["transformer"].update(attn_dim=48, num_heads=4, dim_feedforward=32)
    if lm["lookup_table"].get("rank"):
        lm["lookup_table"]["rank"] = 16
    if lm.get("z_dim"):
        lm["z_dim"] = 24
    lm["lookup_table"].update(dim=32, n_bins=TINY_VOCABULARY)
    mimi.update(outer_dim=32, inner_dim=32)
    mimi["quantizer"].update(output_dimension=32)
    for name in ("seanet", "decoder_seanet"):
        if mimi.get(name):
            mimi[name].update(dimension=32, n_filters=4)
    for name in ("transformer", "decoder_transformer"):
        if mimi.get(name):
            mimi[name].update(
                d_model=32, num_heads=2, num_layers=2, input_dimension=32, output_dimensions=[32], dim_feedforward=64
            )


def _tokenizer(folder: Path, kind: str, size: int) -> Path:
    return _json_tokenizer(folder, size) if kind == "tokenizers" else _sentencepiece(folder, size)


def _json_tokenizer(folder: Path, size: int) -> Path:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    path = folder / "tokenizer.json"
    tokenizer = Tokenizer(models.BPE(unk_token=None))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=TINY_VOCABULARY, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    tokenizer.add_tokens([f"<spare{n}>" for n in range(size - tokenizer.get_vocab_size())])
    tokenizer.save(str(path))
    return path


def _sentencepiece(folder: Path, size: int) -> Path:
    import sentencepiece

    path = folder / "tokenizer.model"
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(SENTENCES * 20),
            model_writer=file,
            model_type="bpe",
            vocab_size=size,
            byte_fallback=True,
            user_defined_symbols=[f"<spare{n}>" for n in range(size - 310)] if size > 310 else [],
            hard_vocab_limit=False,
            minloglevel=2,
        )
    return path


def _model(described: dict[str, Any], tokenizer: Path, folder: Path) -> Any:
    """The library's own model, initialised at random."""
    import torch
    import yaml
    from pocket_tts import TTSModel

    lookup = described["flow_lm"]["lookup_table"]
    if lookup["tokenizer"] == "sentencepiece":
        import sentencepiece

        lookup["n_bins"] = sentencepiece.SentencePieceProcessor(str(tokenizer)).vocab_size()
    weightless = {**described, "weights_path": None, "weights_path_without_voice_cloning": None}
    lookup["tokenizer_path"] = str(tokenizer)
    path = folder / "weightless.yaml"
    path.write_text(yaml.safe_dump(weightless))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = TTSModel.load_model(config=path)
        with torch.no_grad():
            model.flow_lm.speaker_proj_weight.normal_(std=0.5)
            model.flow_lm.out_eos.weight.zero_()
            model.flow_lm.out_eos.bias.fill_(NEVER)
            _make_lively(model)
    path.unlink()
    return model


def _make_lively(model: Any) -> None:
    """Let the sound depend on the latents, not on biases, and be of a level like speech."""
    import torch
    from pocket_tts.modules.stateful_module import init_states

    for module in model.mimi.decoder.modules():
        if getattr(module, "bias", None) is not None:
            module.bias.zero_()
    latents = torch.randn(1, 16, model.flow_lm.ldim)
    audio = model.mimi.decode_from_latent(latents, init_states(model.mimi, 1, 16 * 16))
    model.mimi.decoder.model[-1].conv.weight *= LEVEL / audio.square().mean().sqrt()


def _save(model: Any, path: Path) -> None:
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, path)


def _voice(model: Any, path: Path, pitch_hz: float) -> None:
    """A named voice, by the library's own ``export-voice``."""
    from pocket_tts.models.model_state import export_model_state

    clip = path.with_suffix(".wav")
    with wave.open(str(clip), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        times = np.arange(2 * 24_000) / 24_000
        tone = np.sin(2 * np.pi * pitch_hz * times) * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * times))
        file.writeframes((tone * 16_000).astype("<i2").tobytes())
    export_model_state(model.get_state_for_audio_prompt(clip), path)
    clip.unlink()
