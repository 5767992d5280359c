"""Builds checkpoints of Chatterbox with random weights, as they are published: for tests tiny, for benchmarks full.

The library has its sizes in its code, so tiny ones need ``shrink`` before they are built or loaded. The embeddings of
places end what English and Multilingual say after ``TOKENS``; Turbo has none and goes on to the option ``max_tokens``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from syrinx.models.chatterbox.runtime import bring_in, quiet

SERVED = {"device": "cpu", "threads": 1, "flow_steps": 1}
"""Options for a server's tests; ``served/`` makes its workers' libraries as small as these weights."""
TOKENS = 40
"""Of an utterance: 1.6 s."""
PROMPT = 10
"""Tokens of the published voice's recording."""
LEVEL = 0.1
"""Root mean square of what it says, about."""
GAIN = 36.0
"""Of the magnitudes over that."""
SIGN = 50.0
"""In an embedding of a place: large, so that what is in it outlives the layers."""
NARROW = 64
"""The width of tiny ones."""
STOP, SPEECH = 6562, 6561
WORDS = ["[STOP]", "[UNK]", "[SPACE]", "[PAD]", "[SEP]", "[CLS]", "[MASK]"]
LANGUAGES = "ar da de el en es fi fr he hi it ja ko ms nl no pl pt ru sv sw tr zh".split()
CANGJIE = ["日\ta", "本\tdm", "語\tyrmm", "你\tonf", "好\tvnd"]
Size = Literal["tiny", "quarter", "full"]
SHAPES: tuple[Size, ...] = ("tiny", "quarter", "full")
SIZES = {"english": 704, "multilingual": 2454, "turbo": 50_276}


def shape(size: Size, variant: str = "english") -> None:
    """Make the library's own tables of that size, in this process: tiny for tests, as published, or between."""
    bring_in()
    if size == "tiny":
        shrink(variant)
    elif size == "quarter":
        _thin()


def _thin() -> None:
    """Leave out three quarters of the layers, and nothing of their widths."""
    import chatterbox.models.s3gen.s3gen as s3gen
    from chatterbox.models.t3.llama_configs import LLAMA_CONFIGS

    LLAMA_CONFIGS["Llama_520M"]["num_hidden_layers"] = 8
    s3gen.UpsampleConformerEncoder = _with(s3gen.UpsampleConformerEncoder, num_blocks=2)
    s3gen.ConditionalDecoder = _with(s3gen.ConditionalDecoder, num_mid_blocks=2)


def shrink(variant: str = "english") -> None:
    """Make the library's own tables small, in this process: widths, layers, heads."""
    bring_in()
    import chatterbox.models.s3gen.s3gen as s3gen
    import chatterbox.models.t3.modules.cond_enc as cond_enc
    from chatterbox.models.t3.llama_configs import LLAMA_CONFIGS
    from s3tokenizer.model_v2 import S3TokenizerV2

    aligned = {"num_hidden_layers": 14, "num_attention_heads": 16, "head_dim": 4}  # the heads that are read
    small = {"num_hidden_layers": 2, "num_attention_heads": 2, "head_dim": 32}
    layers: dict[str, Any] = aligned if variant == "multilingual" else small
    llama = {"hidden_size": 64, "intermediate_size": 128, "num_key_value_heads": layers["num_attention_heads"]}
    LLAMA_CONFIGS["Llama_520M"].update(**llama, **layers)
    LLAMA_CONFIGS["GPT2_medium"].update(n_embd=64, hidden_size=64, n_head=2, n_layer=2, vocab_size=8)
    if hasattr(cond_enc.Perceiver, "shrunk"):
        return
    cond_enc.Perceiver = _with(cond_enc.Perceiver, pre_attention_query_size=64, embedding_dim=64)
    s3gen.UpsampleConformerEncoder = _with(s3gen.UpsampleConformerEncoder, num_blocks=1, linear_units=64)
    s3gen.ConditionalDecoder = _with(s3gen.ConditionalDecoder, n_blocks=1, num_mid_blocks=1, num_heads=2)
    s3gen.HiFTGenerator = _with(s3gen.HiFTGenerator, base_channels=32)
    tokenizer: Any = S3TokenizerV2.__init__.__defaults__
    tokenizer[0].n_audio_state, tokenizer[0].n_audio_head, tokenizer[0].n_audio_layer = 128, 2, 1


def _with(kind: Any, **fixed: Any) -> Any:
    def make(**given: Any) -> Any:
        return kind(**{**given, **fixed})

    make.shrunk = True  # type: ignore[attr-defined]
    return make


def build(folder: Path, *, full: bool = False, variant: str = "english", size: Size = "tiny") -> Path:
    """Write the files of a variant; ``full`` is ``size="full"``, as the other models' tests call it."""
    import torch

    shape("full" if full else size, variant)
    folder.mkdir(parents=True, exist_ok=True)
    with quiet(), torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(7)
        _write_networks(folder, variant)
        _write_voice(folder, variant)
    {"english": _english_tokenizer, "multilingual": _multilingual_tokenizer, "turbo": _turbo_tokenizer}[variant](folder)
    return folder


def _write_networks(folder: Path, variant: str) -> None:
    import torch
    from chatterbox.models.s3gen import S3Gen
    from chatterbox.models.t3 import T3
    from chatterbox.models.t3.modules.t3_config import T3Config
    from chatterbox.models.voice_encoder import VoiceEncoder
    from safetensors.torch import save_file

    config: Any = T3Config(text_tokens_dict_size=SIZES[variant])
    if variant == "turbo":
        config.llama_config_name, config.speech_tokens_dict_size = "GPT2_medium", SPEECH + 2
        config.input_pos_emb, config.speech_cond_prompt_len = None, 375
        config.use_perceiver_resampler = config.emotion_adv = False
    t3 = T3(config)
    _direct(t3, variant)
    s3gen = S3Gen(meanflow=variant == "turbo")
    bins = s3gen.mel2wav.istft_params["n_fft"] // 2 + 1
    s3gen.mel2wav.conv_post.bias[:bins] += torch.log(torch.tensor(LEVEL * GAIN))
    encoder = VoiceEncoder()
    encoder.proj.bias += 0.5  # its outputs are cut at zero; a voice of zeros is none
    names = {"english": "t3_cfg", "multilingual": "t3_mtl23ls_v2", "turbo": "t3_turbo_v1"}
    save_file(_state(t3), folder / f"{names[variant]}.safetensors")
    if variant == "multilingual":
        torch.save(_state(s3gen), folder / "s3gen.pt")
        torch.save(_state(encoder), folder / "ve.pt")
        return
    save_file(_state(s3gen), folder / f"{'s3gen_meanflow' if variant == 'turbo' else 's3gen'}.safetensors")
    save_file(_state(encoder), folder / "ve.safetensors")


def _state(module: Any) -> dict[str, Any]:
    return {name: tensor.contiguous().clone() for name, tensor in module.state_dict().items()}


def _direct(t3: Any, variant: str) -> None:
    """Have it draw speech tokens only, by what it was told, and stop after ``TOKENS``. A wider and deeper one adds up
    more, so that the sign must weigh more, and no layer may add to what is in the two places of the sign."""
    width = t3.speech_emb.weight.shape[1]
    wider = width / NARROW
    for parameter in t3.tfmr.parameters():
        if parameter.ndim == 2 and parameter.shape[0] < 50_000:
            parameter.normal_(0, 0.15 * wider**-0.5)
    t3.speech_emb.weight.normal_()
    t3.text_emb.weight.normal_()
    head = t3.speech_head.weight
    head.normal_()
    if variant == "turbo":
        t3.speech_head.bias.zero_()
        t3.speech_head.bias[SPEECH:] = -1000.0
        return
    for layer in t3.tfmr.layers if wider > 1 else ():
        layer.self_attn.o_proj.weight[:2] = 0.0
        layer.mlp.down_proj.weight[:2] = 0.0
    head[:, :2] = 0.0
    head[SPEECH:] = 0.0
    head[SPEECH:, 0] = -4.0 * wider
    head[STOP, 1] = 8.0 * wider
    places = t3.speech_pos_emb.emb.weight
    places[:, 0], places[:TOKENS, 1], places[TOKENS:, 1] = SIGN, 0.0, SIGN
    t3.cond_enc.emotion_adv_fc.weight.normal_()


def _write_voice(folder: Path, variant: str) -> None:
    """The voice that comes with the model, as ``Conditionals.save`` writes it."""
    import torch

    style = torch.randint(0, SPEECH, (1, 375 if variant == "turbo" else 150))
    t3 = {
        "speaker_emb": torch.nn.functional.normalize(torch.rand(1, 256)),
        "clap_emb": None,
        "cond_prompt_speech_tokens": style,
        "cond_prompt_speech_emb": None,
        "emotion_adv": torch.full((1, 1, 1), 0.5),
    }
    gen = {
        "prompt_token": torch.randint(0, SPEECH, (1, PROMPT)),
        "prompt_token_len": torch.tensor([PROMPT]),
        "prompt_feat": torch.randn(1, 2 * PROMPT, 80),
        "prompt_feat_len": None,
        "embedding": torch.randn(1, 192),
    }
    torch.save({"t3": t3, "gen": gen}, folder / "conds.pt")


def _english_tokenizer(folder: Path) -> None:
    _tokenizer(WORDS, SIZES["english"]).save(str(folder / "tokenizer.json"))


def _multilingual_tokenizer(folder: Path) -> None:
    signs = [f"[cj_{letter}]" for letter in "abcdefghijklmnopqrstuvwxyz."]
    words = [*WORDS, *signs, *(f"[{name}]" for name in LANGUAGES)]
    _tokenizer(words, SIZES["multilingual"]).save(str(folder / "grapheme_mtl_merged_expanded_v1.json"))
    (folder / "Cangjie5_TC.json").write_text(json.dumps(CANGJIE, ensure_ascii=False), encoding="utf-8")


def _turbo_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = {letter: n for n, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE({**letters, "<|endoftext|>": 256}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>")
    made.save_pretrained(str(folder))


def _tokenizer(words: list[str], size: int) -> Any:
    """One token a letter; ``[START]`` is 255, as T3 takes it."""
    from tokenizers import AddedToken, Tokenizer, models

    letters = [chr(code) for code in (*range(0x21, 0x17F), *range(0x391, 0x450), *range(0x900, 0x970))]
    names = [*words, *letters]
    names.insert(255, "[START]")
    vocabulary = {name: n for n, name in enumerate(names[:size])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="[UNK]"))
    tokenizer.add_special_tokens([AddedToken(word, normalized=False) for word in [*words, "[START]"]])
    return tokenizer
