"""Brings the files of a model onto this machine, into ``<models>/<org>/<repo>``, in a process of its own.

A process, because the hub's library reads its folders from the environment when it is imported: so nothing of it lands
in the user's home, the server keeps its threads, and a download ends at once where nobody wants it any more.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from syrinx.core.errors import InvalidRequest, ModelNotReady

from .locking import only_one
from .weights import absent, absent_of, wanted

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

KYUTAI = "Verylicious/pocket-tts-ungated"
QWEN_CUSTOM = "Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice"
QWEN_BASE = "Qwen/Qwen3-TTS-12Hz-0.6B-Base"

MODES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "kyutai": (KYUTAI,),
        "qwen_custom": (QWEN_CUSTOM,),
        "qwen_base": (QWEN_BASE,),
        "qwen_all": (QWEN_CUSTOM, QWEN_BASE),
        "all": (KYUTAI, QWEN_CUSTOM, QWEN_BASE),
    }
)
"""What the desktop sidecar's clients may ask for, and the repositories it means."""

MAX_BYTES = 100_000_000_000
"""Largest repository fetched: many times any speech model's."""
SPARE_BYTES = 500_000_000
"""Left free on the disk."""
FILES_AT_ONCE = 4
READ_BYTES = 4_000_000
"""Of a file at a time, to check it."""
STAGING = ".fetching"
"""Folder beside the organisations' in which a model is put together."""
MEND = "--mend"
NET_TIMEOUT_S = "30"
"""Longest wait for the hub to say anything, seconds, unless the environment says otherwise."""

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are kept."""

    data_dir: Path
    hub_cache_dir: Path | None = None
    """Of the hub's library; None: ``hf-cache`` under the data folder."""

    @property
    def models(self) -> Path:
        return self.data_dir.absolute() / "models"

    @property
    def cache(self) -> Path:
        return (self.hub_cache_dir or self.data_dir / "hf-cache").absolute()

    def model(self, repo: str) -> Path:
        """The folder of a repository. Raises ``InvalidRequest`` for what is no ``org/name``."""
        if not _REFERENCE.fullmatch(repo) or ".." in repo:
            raise InvalidRequest(f"{repo[:200]!r} is no repository such as {KYUTAI!r}.", param="repo")
        return self.models.joinpath(*repo.split("/"))

    def local(self, reference: str) -> str:
        """What a model is to be loaded from: an existing path as it is, else our copy of that repository if there is
        one, else the reference unchanged."""
        if Path(reference).exists():
            return reference
        if not _REFERENCE.fullmatch(reference) or ".." in reference:
            return reference
        folder = self.model(reference)
        return str(folder) if folder.is_dir() else reference


def command(repo: str, places: Places, files: Sequence[str] = (), *, mend: bool = False) -> list[str]:
    """What to run. It writes one JSON object on stdout: ``{"saved_to"}`` or ``{"error"}``; bars go to stderr."""
    places_of = (str(places.data_dir.absolute()), str(places.cache))
    return [sys.executable, "-P", "-m", "syrinx.models.fetch", *([MEND] if mend else []), repo, *places_of, *files]


def environment(places: Places, environ: Mapping[str, str]) -> dict[str, str]:
    """With which variables: the hub's own folders under ours, and no word to anybody about it."""
    dropped = ("TRANSFORMERS_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_XET_CACHE", "HF_ASSETS_CACHE")
    kept = {name: value for name, value in environ.items() if name not in dropped}
    timeouts = {name: NET_TIMEOUT_S for name in ("HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT")}
    ours = {
        "HF_HOME": str(places.cache),
        "HF_HUB_CACHE": str(places.cache / "hub"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
    }
    return {**timeouts, **kept, **ours}


def outcome(repo: str, said: bytes) -> Path:
    """Read what the command wrote. Raises ``ModelNotReady`` with its reason."""
    try:
        told = json.loads(said.splitlines()[-1])
        if "error" not in told:
            return Path(told["saved_to"])
        reason = str(told["error"])
    except (ValueError, IndexError, KeyError, TypeError):
        reason = "the download broke off"
    raise ModelNotReady(f"{repo} could not be fetched: {reason}")


def fetch(repo: str, places: Places, files: Sequence[str] = (), *, mend: bool = False) -> Path:
    """Fetch a repository's files (all, or those that fit a pattern), unless that was done before; returns its folder,
    in which every file is whole. What a download that broke off had got is used by the next. ``mend``: files that are
    here are compared with the hub's, and those that differ are fetched anew.

    Raises ``ModelNotReady`` where the hub cannot be reached, the files do not fit, or are not what the hub says.
    """
    target = places.model(repo)
    if target.is_dir() and not mend and not absent(target, files):
        return target
    with only_one(places.models / STAGING / f"{repo.replace('/', '--')}.lock", f"fetching {repo}"):
        _fetch(repo, places, files, mend=mend)
    return target


def _fetch(repo: str, places: Places, files: Sequence[str], *, mend: bool) -> None:
    try:
        from huggingface_hub import HfApi, snapshot_download
    except ImportError:
        raise ModelNotReady("it needs huggingface_hub: pip install 'syrinx-tts[models]'") from None
    info = HfApi().model_info(repo, files_metadata=True)
    target = places.model(repo)
    there = [file for file in info.siblings or [] if wanted(file.rfilename, files)]
    if mend and target.is_symlink():
        raise ModelNotReady(
            f"{target} is a link to {target.resolve()}, which is not ours to mend: remove the link first"
        )
    new = [file for file in there if not _kept(target / file.rfilename, file, mend=mend)]
    _check_size(sum(file.size or 0 for file in new), places)
    staging = places.models / STAGING / repo.replace("/", "--")
    staging.mkdir(parents=True, exist_ok=True)
    chosen = [_literally(file.rfilename) for file in new] if files or mend else None
    snapshot_download(
        repo,
        revision=info.sha,
        local_dir=staging,
        max_workers=FILES_AT_ONCE,
        allow_patterns=chosen,
    )
    for file in new:
        check_file(staging / file.rfilename, file)
    if files and (lost := absent_of((file.rfilename for file in there), files)):
        raise ModelNotReady(f"the hub has no {', '.join(lost)} in it")
    shutil.rmtree(staging / ".cache", ignore_errors=True)
    _put(staging, target)


def check_file(path: Path, said: RepoSibling) -> None:
    """Compare a file with the size and the checksum that the hub gave (SHA-256 of large ones, git's SHA-1 of others).

    Raises ``ModelNotReady`` for one that differs, which is removed, so that the next download gets it anew.
    """
    if not _as_said(path, said):
        path.unlink(missing_ok=True)
        raise ModelNotReady(f"{said.rfilename} is not what the hub says (its size or checksum differs): try again")


def _kept(path: Path, said: RepoSibling, *, mend: bool) -> bool:
    return path.is_file() and (not mend or _as_said(path, said))


def _as_said(path: Path, said: RepoSibling) -> bool:
    size = path.stat().st_size if path.is_file() else -1
    lfs: Any = said.lfs
    sums = {"sha256": lfs and lfs.sha256, "sha1": None if lfs else said.blob_id}
    kind, expected = next(((kind, value) for kind, value in sums.items() if value), ("", ""))
    return said.size in (None, size) and (not expected or _digest(path, kind, size) == expected)


def _digest(path: Path, kind: str, size: int) -> str:
    sums = hashlib.new(kind, b"blob %d\0" % size if kind == "sha1" else b"", usedforsecurity=kind == "sha256")
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            sums.update(piece)
    return sums.hexdigest()


def _put(staging: Path, target: Path) -> None:
    """Move what was fetched to its place: at once where nothing is there, else file by file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        os.replace(staging, target)
        return
    for path in sorted(staging.rglob("*")):
        if path.is_file():
            place = target / path.relative_to(staging)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, place)
    shutil.rmtree(staging, ignore_errors=True)


def _literally(name: str) -> str:
    """As a pattern that fits this name alone."""
    return re.sub(r"([*?[])", r"[\1]", name)


def _check_size(size: int, places: Places) -> None:
    places.models.mkdir(parents=True, exist_ok=True)
    room = min(MAX_BYTES, shutil.disk_usage(places.models).free - SPARE_BYTES)
    if size > room:
        raise ModelNotReady(f"it has {size / 1e9:.1f} GB, and {max(0, room) / 1e9:.1f} GB is all there is room for")


def main(arguments: list[str]) -> int:
    """The process."""
    mend = arguments[0] == MEND
    repo, data_dir, cache_dir, *files = arguments[mend:]
    places = Places(Path(data_dir), Path(cache_dir))
    try:
        told = {"saved_to": str(fetch(repo, places, files, mend=mend))}
    except OSError as error:
        full = error.errno == errno.ENOSPC
        told = {"error": f"the disk of {places.models} is full" if full else " ".join(str(error).split())[:400]}
    except Exception as error:  # noqa: BLE001 - the hub's library raises anything; all of it is a reason for a person
        told = {"error": " ".join(str(error).split())[:400] or type(error).__name__}
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if "error" in told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
