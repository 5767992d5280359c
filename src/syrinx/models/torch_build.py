"""Which build of torch an environment gets: a version, a label such as ``cpu`` or ``cu130``, and where it is.

Builds of one version are told apart by the label after the plus sign (``2.13.0+cpu``). No index is named here: pip's
own configuration says where packages are, or the setting ``torch_index``.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass

from syrinx.core.errors import InvalidRequest

from .environment import DeviceKind

AUTO = "auto"
DEFAULT = "default"
_LABEL = re.compile(r"[a-z][a-z0-9.]{0,30}")


NVIDIA = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg")
"""Where Linux shows an NVIDIA driver; the last on WSL."""
AMD = ("/dev/kfd",)


@dataclass(frozen=True, slots=True)
class TorchSource:
    """Where an environment's torch comes from."""

    build: str = AUTO
    """``auto``: the one that fits this machine; ``default``: the index's own; else a label."""
    index: str = ""
    """URL of the package index that has it; empty: pip's."""

    def check(self) -> None:
        """Raises ``InvalidRequest`` for a build that is no label, or an index that is no URL."""
        if not _LABEL.fullmatch(self.build):
            raise InvalidRequest(
                f"{self.build[:100]!r} is no build of torch: auto, default, cpu, or a label such as cu130 or rocm7.1.",
                param="torch",
            )
        if self.index and not re.match(r"(https?|file)://", self.index):
            raise InvalidRequest(f"{self.index[:200]!r} is no URL of a package index.", param="torch_index")


@dataclass(frozen=True, slots=True)
class Device:
    """What decides about the build."""

    platform: str
    """``sys.platform``"""
    nvidia: bool
    amd: bool = False


def this_device() -> Device:
    """What this machine has."""
    nvidia = any(map(os.path.exists, NVIDIA)) or (sys.platform == "win32" and shutil.which("nvidia-smi") is not None)
    return Device(sys.platform, nvidia, any(map(os.path.exists, AMD)))


def device_of(torch: str, device: Device) -> str:
    """Where that version of torch (``2.13.0+cpu``; empty: none) computes on this machine by itself."""
    label = torch.partition("+")[2]
    if device.platform == "darwin" and torch:
        return "mps"
    on_gpu = (device.nvidia and not label.startswith(("cpu", "rocm"))) or (device.amd and label.startswith("rocm"))
    return "cuda" if torch and on_gpu else "cpu"


def requirements(version: str, source: TorchSource, device: Device) -> tuple[str, ...]:
    """What to ask pip for, in turn, until one is found.

    Only Linux needs a choice: there the index's own build is for NVIDIA GPUs and several times the size of the CPU's.
    """
    if source.build == DEFAULT:
        return (f"torch=={version}",)
    if source.build != AUTO:
        return (f"torch=={version}+{source.build}",)
    if device.platform == "linux" and not device.nvidia and not device.amd:
        return (f"torch=={version}+cpu", f"torch=={version}")
    return (f"torch=={version}",)


def kind_of(source: TorchSource, device: Device) -> DeviceKind:
    """What the chosen build computes on, as far as locks are told apart by it: all but NVIDIA's GPUs counts as CPU."""
    if source.build == AUTO:
        return "cuda" if device.nvidia else "cpu"
    if source.build == DEFAULT:
        return "cuda" if device.platform == "linux" else "cpu"
    return "cuda" if source.build.startswith("cu") else "cpu"


def pip_arguments(requirement: str, source: TorchSource) -> list[str]:
    """Of ``pip install``."""
    return ["--index-url", source.index, requirement] if source.index else [requirement]
