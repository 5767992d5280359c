"""The environments that models run in: which there are, where they lie, and whether one is whole. As data, and reading.

An environment is a virtual environment below the data folder, built from the exact lock in its model's package
(``lock.txt``: every distribution, pinned, installed as it stands and without dependencies, because the libraries of
this field pin each other out) and from the build of torch that fits the device. ``install.py`` builds them. Syrinx
itself is not in them: a worker takes the server's (``workers/bootstrap.py``).
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Literal

MANIFEST = "syrinx-environment.json"
"""Written last: a folder without it is no environment."""

DeviceKind = Literal["cpu", "cuda"]
DEVICES: tuple[DeviceKind, ...] = ("cpu", "cuda")
"""Kinds of device that locks are told apart by."""


@dataclass(frozen=True, slots=True)
class EnvironmentSpec:
    """What an environment is built from."""

    name: str
    package: str
    """Import path of the package that has its lock."""
    torch: str = "2.13.0"
    """Version; empty: none. Kept out of the lock, because its build depends on the device."""
    size_bytes: int = 2_000_000_000
    """About what it takes on the disk, with the CPU's build of torch."""
    lock_name: str = "lock"
    """Of the lock, ``<lock_name>.txt``."""
    by_device: bool = False
    """More is installed beside the lock, by device as torch is: ``<lock_name>-cpu.txt`` or ``<lock_name>-cuda.txt``."""

    def lock(self) -> str:
        """The text of the lock."""
        return self._read(f"{self.lock_name}.txt")

    def device_lock(self, device: DeviceKind) -> str:
        """The text of what is installed beside the lock on that kind of device; empty: nothing."""
        return self._read(f"{self.lock_name}-{device}.txt") if self.by_device else ""

    def digest(self) -> str:
        """Changes with anything that the environment is built from, on any device."""
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        beside = filter(None, map(self.device_lock, DEVICES))
        return hashlib.sha256("\n".join([python, self.torch, self.lock(), *beside]).encode()).hexdigest()

    def _read(self, name: str) -> str:
        return resources.files(self.package).joinpath(name).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an environment says about itself."""

    name: str
    digest: str
    """Of the spec that it was built from."""
    torch: str
    """Version with the build, such as ``2.13.0+cpu``; empty: none."""


def _table(*specs: EnvironmentSpec) -> Mapping[str, EnvironmentSpec]:
    return MappingProxyType({spec.name: spec for spec in specs})


ENVIRONMENTS: Mapping[str, EnvironmentSpec] = _table(
    EnvironmentSpec(name="qwen", package="syrinx.models.qwen"),
    EnvironmentSpec(name="pocket", package="syrinx.models.pocket"),
    EnvironmentSpec(name="orpheus", package="syrinx.models.orpheus"),
    EnvironmentSpec(
        name="orpheus-vllm",
        package="syrinx.models.orpheus",
        lock_name="vllm",
        by_device=True,
        size_bytes=4_000_000_000,
    ),
    EnvironmentSpec(name="kokoro", package="syrinx.models.kokoro", size_bytes=1_800_000_000),
    EnvironmentSpec(name="chatterbox", package="syrinx.models.chatterbox"),
    EnvironmentSpec(name="vibevoice", package="syrinx.models.vibevoice"),
    EnvironmentSpec(name="whisper", package="syrinx.models.whisper", torch="", size_bytes=500_000_000),
    EnvironmentSpec(name="kokoro-onnx", package="syrinx.models.kokoro_onnx", torch="", size_bytes=800_000_000),
)
"""Every environment by name."""


def interpreter(place: Path) -> Path:
    """The interpreter of a virtual environment."""
    return place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


@dataclass(frozen=True, slots=True)
class Environments:
    """Those on this machine, in a folder each."""

    folder: Path

    def place(self, name: str) -> Path:
        """Where the environment of that name is, or would be."""
        return self.folder.absolute() / name

    def python(self, name: str) -> Path:
        """Its interpreter, there or not: that of the build in use now, whose path stays its own when a newer one takes
        its place."""
        place = self.place(name)
        return interpreter(place.parent / place.readlink() if place.is_symlink() else place)

    def manifest(self, name: str) -> Manifest | None:
        """What it says about itself; None: it is not there, or not whole."""
        try:
            return Manifest(**json.loads((self.place(name) / MANIFEST).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def certify(self, manifest: Manifest, place: Path | None = None) -> None:
        """Call an environment whole, in its place or where it was built."""
        ((place or self.place(manifest.name)) / MANIFEST).write_text(json.dumps(asdict(manifest)), encoding="utf-8")

    def lacking(self, spec: EnvironmentSpec) -> str | None:
        """Say why nothing can run in it, as the rest of a sentence about a model; None: it is whole and up to date."""
        manifest = self.manifest(spec.name)
        if manifest is None or not self.python(spec.name).exists():
            return f"needs the environment {spec.name}, which is not installed"
        if manifest.digest != spec.digest():
            return f"needs the environment {spec.name}, which was built by another version and does not match its lock"
        return None
