"""The sidecar's names for models: its backends and theirs, what ``auto`` tried, and where a model runs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from syrinx.core.errors import ModelNotFound
from syrinx.founding import SYNTH_BACKENDS
from syrinx.models.fetch import KYUTAI, QWEN_BASE, QWEN_CUSTOM
from syrinx.models.installed import Installed
from syrinx.models.registry import find
from syrinx.protocols.voicereader.requests import Activate


@dataclass(frozen=True, slots=True)
class Known:
    """A model as the sidecar knows it."""

    backend: str
    """In ``runtime.backend``."""
    ids: Mapping[str, str]
    """Every name that clients have for it, and the weights that each means; empty: none. The first is told as
    ``active_model_id`` where nothing says better."""
    fields: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    """Fields of ``/v1/models/activate`` and the options of the model that they set."""
    title: str = ""
    """Of those that ``auto`` would have taken before others."""


KNOWN: Mapping[str, Known] = MappingProxyType(
    {
        "pocket": Known(
            "kyutai_pocket_tts",
            {KYUTAI: KYUTAI, "kyutai-pocket-tts-ungated": KYUTAI},
            {"kyutai_model_name": "weights", "kyutai_voice_prompt": "voice"},
            "Kyutai Pocket TTS",
        ),
        "qwen": Known(
            "qwen_custom_voice",
            {
                QWEN_CUSTOM: QWEN_CUSTOM,
                QWEN_BASE: QWEN_BASE,
                "qwen3-tts-12hz-0.6b-customvoice": QWEN_CUSTOM,
                "qwen3-tts-12hz-0.6b-base": QWEN_BASE,
            },
            {
                "qwen_model_name": "weights",
                "qwen_device_map": "device",
                "qwen_dtype": "dtype",
                "qwen_attn_implementation": "attention",
                "qwen_default_speaker": "speaker",
            },
            "Qwen3-TTS",
        ),
        "espeak": Known("espeak", {"espeak": ""}),
        "tone": Known("mock", {"tone": ""}),
    }
)
"""By our name. A model that is not listed goes by its own in every place."""

BACKENDS: Mapping[str, str] = MappingProxyType({**SYNTH_BACKENDS, "espeak": "espeak"})
"""What ``synth_backend`` may be, and the model that it means."""


def known(model: str) -> Known:
    """The sidecar's names of a model."""
    return KNOWN.get(model) or Known(model, {model: ""})


def active_id(model: str, options: Mapping[str, Any], installed: Installed) -> str:
    """What is told as ``active_model_id``: the weights where the model has a choice of them."""
    entry = installed.models.get(model)
    if entry is not None and entry.weights:
        return installed.weights_named(entry, options)
    return next(iter(known(model).ids))


def device_of(options: Mapping[str, Any]) -> str:
    """Where a model runs: ``cuda`` of ``cuda:0``. Models without such an option run on the CPU."""
    return str(options.get("device") or "cpu").partition(":")[0]


def what_auto_tried(installed: Installed) -> str:
    """Why ``auto`` has neither of the sidecar's own models, in whole sentences; empty if the first of them runs."""
    reasons: list[str] = []
    for name, entry in KNOWN.items():
        if entry.title:
            reason = why_not(name, installed)
            if reason is None:
                break
            reasons.append(f"{entry.title}: {reason.rstrip('.')}.")
    return " ".join(reasons)


def why_not(model: str, installed: Installed) -> str | None:
    """Why a model cannot run here; None if it can."""
    try:
        return installed.lacking(installed.find(model))
    except ModelNotFound:
        return "this version of Syrinx does not have it"


def named_by(wanted: Activate, current: str) -> str:
    """The model that a request for activation means; ``auto`` stays ``auto``. Raises ``ModelNotFound``."""
    if wanted.synth_backend:
        return BACKENDS[wanted.synth_backend]
    if not wanted.active_model_id:
        return current
    return _meant(wanted.active_model_id)[0] or find(wanted.active_model_id).name


def options_in(wanted: Activate) -> dict[str, dict[str, Any]]:
    """The options by model that a request for activation sets; blanks set none."""
    found: dict[str, dict[str, Any]] = {}
    named, weights = _meant(wanted.active_model_id)
    if weights:
        found[named] = {"weights": weights}
    for model, entry in KNOWN.items():
        given = {option: getattr(wanted, name) for name, option in entry.fields.items()}
        given = {option: value for option, value in given.items() if value not in ("", None)}
        if given:
            found[model] = {**found.get(model, {}), **given}
    return found


def _meant(active_model_id: str) -> tuple[str, str]:
    """The model and the weights that one of the sidecar's names means; empty: none of either."""
    asked = active_model_id.lower()
    for name, entry in KNOWN.items():
        if asked == name:
            return name, ""
        for known_id, weights in entry.ids.items():
            if asked == known_id.lower():
                return name, weights
    return "", ""
