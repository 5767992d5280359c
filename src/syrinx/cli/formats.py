"""Which container a ``--format`` or a file name asks for."""

from __future__ import annotations

from pathlib import PurePath

DEFAULT = "wav"


def container_of(name: str | None, path: PurePath | None) -> str:
    """The container that ``name`` says, else the suffix of ``path``, else wav. Raises ``UnsupportedFormat``."""
    from syrinx.audio.encode import CONTAINERS, container

    suffix = path.suffix.lstrip(".").lower() if path is not None else ""
    if not name and suffix:
        by_suffix = next((info.name for info in CONTAINERS.values() if info.extension == suffix), None)
        return by_suffix or container(suffix).name
    return container(name or DEFAULT).name
