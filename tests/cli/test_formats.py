"""What a file name or --format asks for."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from syrinx.audio.encode import ALIASES, CONTAINERS, ContainerInfo
from syrinx.cli.formats import container_of
from syrinx.core.errors import UnsupportedFormat


@pytest.mark.parametrize(
    ("name", "path", "container"),
    [
        (None, None, "wav"),
        (None, "-", "wav"),
        (None, "a.MP3", "mp3"),
        (None, "a.tar.flac", "flac"),
        (None, "a.ogg", "opus"),
        (None, "a.opus", "opus"),
        (None, "a.webm", "webm"),
        ("mp3", "a.wav", "mp3"),
        ("PCM", None, "pcm_s16le"),
    ],
)
def test_the_format_is_said_or_seen_in_the_name(name: str | None, path: str | None, container: str) -> None:
    assert container_of(name, None if path is None else PurePath(path)) == container


@pytest.mark.parametrize(("name", "path"), [("zork", None), (None, "a.docx")])
def test_an_unknown_format_lists_those_there_are(name: str | None, path: str | None) -> None:
    with pytest.raises(UnsupportedFormat, match="wav"):
        container_of(name, None if path is None else PurePath(path))


@pytest.mark.parametrize("name", [*CONTAINERS, *ALIASES])
def test_every_container_can_be_named(name: str) -> None:
    assert container_of(name, None) in CONTAINERS


@pytest.mark.parametrize("info", CONTAINERS.values(), ids=lambda info: info.name)
def test_every_container_can_be_had_by_its_own_suffix(info: ContainerInfo) -> None:
    assert CONTAINERS[container_of(None, PurePath(f"a.{info.extension}"))].extension == info.extension
