"""What torch says of a lack of memory, in its several ways, and what becomes of it. torch itself is not needed."""

from __future__ import annotations

import sys
import types

import pytest

from syrinx.models.base import OutOfMemory
from syrinx.models.device import DeviceOptions, choose_device, memory_errors
from syrinx.models.registry import MODELS


@pytest.fixture(autouse=True)
def emptied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A torch with a CUDA device; notes that its cache was given back."""
    told: list[str] = []
    torch = types.ModuleType("torch")
    cuda = types.SimpleNamespace(is_available=lambda: True, empty_cache=lambda: told.append("emptied"))
    vars(torch).update(cuda=cuda)
    monkeypatch.setitem(sys.modules, "torch", torch)
    return told


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 139.81 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.05 GB, max allowed: 9.07 GB)."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_each_kind_is_told_with_advice_and_the_cache_given_back(error: Exception, emptied: list[str]) -> None:
    with pytest.raises(OutOfMemory, match=r"The model qwen ran out of memory\. Lower its batch"), memory_errors("qwen"):
        raise error
    assert emptied == ["emptied"]


@pytest.mark.parametrize("error", [RuntimeError("size mismatch"), ValueError("out of memory")])
def test_other_errors_stay_what_they_are(error: Exception, emptied: list[str]) -> None:
    with pytest.raises(type(error), match=str(error)), memory_errors("qwen"):
        raise error
    assert not emptied


def test_a_gpu_is_taken_to_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for torch's two calls; that torch keeps to it only a GPU can show."""
    taken: list[tuple[float, int]] = []
    torch = types.ModuleType("torch")
    cuda = types.SimpleNamespace(
        is_available=lambda: True,
        device_count=lambda: 2,
        set_per_process_memory_fraction=lambda share, index: taken.append((share, index)),
    )
    vars(torch).update(device=_device, cuda=cuda)
    monkeypatch.setitem(sys.modules, "torch", torch)
    choose_device(DeviceOptions(device="cuda", gpu_memory_share=0.5))
    choose_device(DeviceOptions(device="cuda:1"))
    choose_device(DeviceOptions(device="cpu", gpu_memory_share=0.5))
    assert taken == [(0.5, 0), (1.0, 1)]


def test_every_model_on_torch_has_a_share_of_a_gpus_memory() -> None:
    options = {name: entry.options_schema()["properties"] for name, entry in MODELS.items()}
    on_torch = [name for name, fields in options.items() if "dtype" in fields]
    assert {"pocket", "kokoro", "qwen", "chatterbox", "vibevoice", "orpheus"} <= set(on_torch)
    assert all(0 < options[name]["gpu_memory_share"]["default"] <= 1 for name in on_torch)


def _device(name: str) -> types.SimpleNamespace:
    """As ``torch.device`` reads a name."""
    kind, _, index = name.partition(":")
    return types.SimpleNamespace(type=kind, index=int(index) if index else None)
