"""Which files of a folder make the model: its configuration, weights, tokenizer and voices. Looking only, no libraries.

Three layouts are known: the published repositories (``languages/<config>/...``; weights with cloning in one, tokenizers
and voices in the other), the desktop sidecar's mirror (``tts_*.safetensors``, ``tokenizer.model``, ``embeddings/``) and
a folder with a yaml of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from syrinx.core.errors import ModelNotReady

REMEDY = "syrinx models install pocket"
OTHER_REPO = "pocket-tts-without-voice-cloning"
"""Where Kyutai publishes tokenizers and voices, beside the weights that clone (``kyutai/pocket-tts``)."""
OWN_YAMLS = ("model.yaml", "voicereader-pocket-tts.yaml")
"""Names that are taken first: ours, and the desktop sidecar's."""
SIDECAR_CONFIG = "english_2026-01"
"""What pocket-tts calls now the weights that the sidecar's mirror holds (``tts_b6369a24.safetensors``)."""
SAME = {"english": "english_2026-10"}
"""Two names of one model, as pocket-tts 4.0.1 says in its configurations."""

LANGUAGES: Mapping[str, str] = {
    "english": "en",
    "french": "fr",
    "german": "de",
    "italian": "it",
    "portuguese": "pt",
    "spanish": "es",
    "dutch": "nl",
}
"""BCP 47 tags by the first word of a configuration's name."""
DEFAULT_VOICES: Mapping[str, str] = {
    "it": "giovanni",
    "es": "lola",
    "de": "juergen",
    "pt": "rafael",
    "fr": "estelle",
    "nl": "daan",
}
"""As pocket-tts 4.0.1 (``default_parameters.py``) chooses; ``alba`` elsewhere."""


@dataclass(frozen=True, slots=True)
class ConfigSource:
    """A configuration and where it came from."""

    name: str
    """Of a packaged configuration; of the file without its ending for another."""
    path: Path


@dataclass(frozen=True, slots=True)
class Mirror:
    """A folder of weights."""

    folder: Path

    def config(self, wanted: str, packaged: Mapping[str, Path]) -> ConfigSource:
        """Choose the configuration. Raises ``ModelNotReady`` for one that is not there."""
        if wanted.endswith((".yaml", ".yml")):
            path = self.folder / wanted  # an absolute path stays what it is
            if path.is_file():
                return ConfigSource(path.stem, path)
            raise ModelNotReady(f"config = {wanted!r}: there is no file {path}.")
        own = self.folder / f"{wanted}.yaml" if wanted else self._own_yaml()
        if own is not None and own.is_file():
            return ConfigSource(own.stem, own)
        name = wanted or self._packaged_name(packaged)
        if name not in packaged:
            raise ModelNotReady(f"config = {name!r} is none of pocket-tts: {', '.join(sorted(packaged))}.")
        return ConfigSource(name, packaged[name])

    def _own_yaml(self) -> Path | None:
        for name in OWN_YAMLS:
            if (self.folder / name).is_file():
                return self.folder / name
        found = sorted(self.folder.glob("*.yaml"))
        return found[0] if len(found) == 1 else None

    def _packaged_name(self, packaged: Mapping[str, Path]) -> str:
        held = sorted(path.parent.name for path in self.folder.glob("languages/*/*.safetensors"))
        known = [name for name in held if name in packaged]
        if known:
            return "english" if "english" in known else known[0]
        return SIDECAR_CONFIG if any(self.folder.glob("tts_*.safetensors")) else "english"

    def file(self, reference: str, spare: tuple[str, ...] = ()) -> Path | None:
        """The local file of what a configuration names: ``hf://owner/repo/file@revision``, a URL or a path.

        ``spare``: patterns of names in the folder itself that will do as well.
        """
        for candidate in self._candidates(reference):
            if candidate.is_file():
                return candidate
        for pattern in spare:
            found = sorted(path for path in self.folder.glob(pattern) if path.is_file())
            if found:
                return found[0]
        return None

    def _candidates(self, reference: str) -> Iterator[Path]:
        if reference.startswith("hf://"):
            owner, repo, inner = reference.removeprefix("hf://").split("@")[0].split("/", 2)
            yield self.folder / inner
            yield self.folder.parent / repo / inner
            yield self.folder.parent.parent / owner / repo / inner
            yield self.folder / Path(inner).name
        elif reference.startswith(("http://", "https://")):
            yield self.folder / reference.split("?")[0].rsplit("/", 1)[-1]
        elif reference:
            yield self.folder / reference
            yield self.folder / Path(reference).name

    def voices(self, config: str, further: str = "") -> dict[str, Path]:
        """Voice files by name. ``further``: another folder of them; what it holds comes first.

        Raises ``ModelNotReady`` where that folder is not there.
        """
        folders = [
            root / "languages" / name / "embeddings"
            for root in (self.folder, self.folder.parent / OTHER_REPO)
            for name in (config, SAME.get(config, config))
        ]
        folders += [self.folder / "embeddings", self.folder / "voices"]
        if further:
            if not Path(further).is_dir():
                raise ModelNotReady(f"voices = {further!r} is no folder.")
            folders.insert(0, Path(further).absolute())
        found: dict[str, Path] = {}
        for folder in folders:
            for path in sorted(folder.glob("*.safetensors")):
                found.setdefault(path.stem, path)
        return found


def language_of(config: str) -> str:
    """BCP 47 tag of a configuration's language, by its name; English where the name says none."""
    return LANGUAGES.get(config.split("_")[0].lower(), "en")


def default_voice(names: list[str], language: str, wanted: str) -> str:
    """Choose among ``names`` (not empty). Raises ``ModelNotReady`` for one that was asked for and is not there."""
    if wanted:
        if wanted not in names:
            raise ModelNotReady(f"voice = {wanted!r} is none of this model's: {', '.join(sorted(names))}.")
        return wanted
    preferred = DEFAULT_VOICES.get(language.split("-")[0], "alba")
    return preferred if preferred in names else names[0]
