"""What vLLM is told: arguments, variables, memory."""

from __future__ import annotations

import pytest

from syrinx.models.orpheus.options import OrpheusOptions
from syrinx.models.orpheus.vllm_engine import arguments_of, cache_bytes, variables_of

LLAMA_3B = {"num_hidden_layers": 28, "num_attention_heads": 24, "num_key_value_heads": 8, "head_dim": 128}


def test_on_a_gpu_it_takes_the_share_that_is_asked_for() -> None:
    told = arguments_of("here", OrpheusOptions(gpu_memory_share=0.4, max_batch=5), LLAMA_3B, "cuda")
    assert (told["gpu_memory_utilization"], told["dtype"], told["max_num_seqs"]) == (0.4, "bfloat16", 5)
    assert "kv_cache_memory_bytes" not in told and "enforce_eager" not in told


def test_on_a_cpu_it_takes_what_its_jobs_may_need() -> None:
    options = OrpheusOptions(max_batch=4, context_tokens=2048)
    told = arguments_of("here", options, LLAMA_3B, "cpu")
    assert told["dtype"] == "float32" and told["enforce_eager"] and "gpu_memory_utilization" not in told
    a_token = 28 * 2 * 8 * 128 * 4
    assert told["kv_cache_memory_bytes"] == (4 * 2048 + 128) * a_token
    half = arguments_of("here", OrpheusOptions(max_batch=4, dtype="bfloat16"), LLAMA_3B, "cpu")
    assert half["kv_cache_memory_bytes"] == told["kv_cache_memory_bytes"] // 2


def test_memory_is_of_whole_blocks_and_of_as_many_heads_as_there_are() -> None:
    config = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 64}
    assert cache_bytes(config, 1, 1, 4) == cache_bytes(config, 1, 128, 4) == 2 * 128 * 2 * 2 * 32 * 4
    assert cache_bytes({**config, "num_key_value_heads": 1}, 1, 1, 4) == 128 * 2 * 2 * 32 * 4


def test_threads_are_not_bound_and_what_is_set_stays() -> None:
    said = variables_of(OrpheusOptions(threads=3), "cpu", None, {"VLLM_LOGGING_LEVEL": "DEBUG"})
    assert said["VLLM_CPU_OMP_THREADS_BIND"] == "nobind" and said["OMP_NUM_THREADS"] == "3"
    assert said["VLLM_LOGGING_LEVEL"] == "DEBUG" and said["VLLM_NO_USAGE_STATS"] == "1"
    assert "OMP_NUM_THREADS" not in variables_of(OrpheusOptions(), "cpu", None, {"OMP_NUM_THREADS": "2"})


@pytest.mark.parametrize(
    ("index", "environ", "visible"),
    [
        (None, {}, None),
        (1, {}, "1"),
        (1, {"CUDA_VISIBLE_DEVICES": "4, 6"}, "6"),
        (None, {"CUDA_VISIBLE_DEVICES": "4,6"}, None),
    ],
)
def test_the_engine_sees_the_gpu_that_is_asked_for(
    index: int | None, environ: dict[str, str], visible: str | None
) -> None:
    assert variables_of(OrpheusOptions(), "cuda", index, environ).get("CUDA_VISIBLE_DEVICES") == visible
