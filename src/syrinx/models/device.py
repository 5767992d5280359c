"""Where a model computes and with what numbers: options that every torch model shares, and how they are carried out.

torch is imported inside the functions only: options are checked in the server, which has none.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from syrinx.core.errors import ModelNotReady

from .base import OutOfMemory
from .options import Range

DTYPES = ("float32", "bfloat16", "float16")
NO_MEMORY = ("DefaultCPUAllocator", "out of memory", "ALLOC_FAILED")
"""What torch says in a plain ``RuntimeError`` where a CPU, an Apple GPU, or CUDA's driver or a library of it has no
memory left: only its own allocator for CUDA has an error of its own."""
Dtype = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceOptions:
    """Base of the options of a model that computes with torch."""

    device: Annotated[
        str, Range(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto, cpu, mps, cuda or cuda:N")
    ] = "auto"
    dtype: Annotated[
        Dtype, Range(description="Numbers it computes with; auto: the model's own choice for the device")
    ] = "auto"
    threads: Annotated[int, Range(ge=0, le=256, description="CPU threads of torch; 0: a fair share of the cores")] = 0
    gpu_memory_share: Annotated[float, Range(gt=0, le=1, description="Share of the GPU's memory that it may take")] = (
        1.0
    )


def set_threads(options: DeviceOptions) -> int:
    """Set torch's threads, which some model libraries change when they are imported: call it after that.

    Returns how many. 0 in the options means ``OMP_NUM_THREADS``, which the server sets to this worker's share.
    """
    import torch

    wanted = options.threads or int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    torch.set_num_threads(wanted)
    return wanted


def choose_device(options: DeviceOptions) -> Any:
    """Return the ``torch.device`` that the options mean; of a GPU, this process takes no more memory than its share
    from now on. Raises ``ModelNotReady`` for one that is not there."""
    import torch

    name = options.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ModelNotReady(
            f"device = {name!r}: this torch ({torch.__version__}) finds no CUDA device. Set device = cpu."
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelNotReady(f"device = {name!r}: there are {torch.cuda.device_count()} CUDA devices, counted from 0.")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ModelNotReady("device = 'mps': this torch finds no Apple GPU. Set device = cpu.")
    if device.type == "cuda":
        torch.cuda.set_per_process_memory_fraction(options.gpu_memory_share, device.index or 0)
    elif device.type == "mps" and options.gpu_memory_share < 1:
        torch.mps.set_per_process_memory_fraction(options.gpu_memory_share)
    return device


def choose_dtype(options: DeviceOptions, on_gpu: str = "bfloat16") -> Any:
    """Return the ``torch.dtype`` to compute with; ``auto`` is float32 on a CPU and ``on_gpu`` elsewhere."""
    import torch

    name = options.dtype
    if name == "auto":
        name = "float32" if choose_device(options).type == "cpu" else on_gpu
    return getattr(torch, name)


@contextmanager
def memory_errors(model: str) -> Generator[None]:
    """Turn torch's out-of-memory into ``OutOfMemory`` with advice; what the failed step held is given back."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not _no_memory(error):
            raise
        release_memory()
        raise OutOfMemory(
            f"The model {model} ran out of memory. Lower its batch, or its share of the device, or shorten the text."
        ) from error


def _no_memory(error: Exception) -> bool:
    """``torch.cuda.OutOfMemoryError`` says so in words too."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in NO_MEMORY)


def release_memory() -> None:
    """Give cached device memory back."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def seeded(seed: int | None) -> Any:
    """Return a CPU generator for a job's seed (None: from the system's randomness)."""
    import torch

    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    return generator
