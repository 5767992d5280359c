"""Weights that a person already has, put where fetched ones go: copied or linked, whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from syrinx.core.errors import InvalidRequest, ModelNotReady

from .fetch import STAGING, Places
from .locking import only_one
from .weights import Weights, absent, wanted


def take(source: Path, weights: Weights, places: Places, *, link: bool = False) -> Path:
    """Put a folder's files in the place of a repository's and return it. What was there before is replaced.

    ``link``: the place becomes a link to the folder, which must then stay. Raises ``InvalidRequest`` for a folder that
    is not this checkpoint's, ``ModelNotReady`` where the disk has no room.
    """
    check(source, weights)
    place = places.model(weights.repo)
    name = weights.repo.replace("/", "--")
    with only_one(places.models / STAGING / f"{name}.lock", f"installing {weights.repo}"):
        if place.exists() and source.resolve() == place.resolve():
            return place
        staging = places.models / STAGING / f"{name}.taken"
        discard(staging)
        try:
            _link(source, staging) if link else _copy(source, staging, weights)
            _swap(staging, place)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise ModelNotReady(f"There is no room for {weights.repo} in {places.models}: the disk is full.") from None
        finally:
            discard(staging)
    return place


def check(source: Path, weights: Weights) -> None:
    """Raises ``InvalidRequest`` for what is no folder with the files that the model needs."""
    if not source.is_dir():
        raise InvalidRequest(f"{source} is not a folder.", param="from")
    if not any(source.iterdir()):
        raise InvalidRequest(f"{source} is empty.", param="from")
    if lost := absent(source, weights.files):
        raise InvalidRequest(f"{source} has no {', '.join(lost)}, which {weights.repo} has.", param="from")


def discard(place: Path) -> None:
    """Remove a folder, or only the link to one."""
    if place.is_symlink():
        place.unlink()
    elif place.exists():
        shutil.rmtree(place)


def _link(source: Path, staging: Path) -> None:
    staging.parent.mkdir(parents=True, exist_ok=True)
    staging.symlink_to(source.resolve(), target_is_directory=True)


def _copy(source: Path, staging: Path, weights: Weights) -> None:
    """Links in it are followed: the hub's own cache has nothing else."""
    files = [path for path in source.rglob("*") if path.is_file()]
    names = {path: path.relative_to(source) for path in files}
    chosen = [path for path in files if wanted(names[path].as_posix(), weights.files)]
    needed, free = sum(path.stat().st_size for path in chosen), shutil.disk_usage(_existing(staging)).free
    if needed > free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    for path in chosen:
        copy = staging / names[path]
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _swap(staging: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    old = staging.with_suffix(".old")
    discard(old)
    if os.path.lexists(place):
        os.replace(place, old)
    os.replace(staging, place)
    discard(old)


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())
