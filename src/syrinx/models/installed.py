"""What of the registry can run here: environments and weights that are there, seen from the server."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syrinx.core.errors import ModelNotFound, ModelNotReady

from .environment import ENVIRONMENTS, Environments, EnvironmentSpec
from .fetch import Places
from .install import BuildPlan
from .presets import made_in
from .registry import AIDS, MODELS, ModelEntry, missing
from .torch_build import TorchSource, device_of, this_device
from .weights import Weights, absent


@dataclass(frozen=True, slots=True)
class Installed:
    """Looks at the disk each time it is asked, so that what is installed meanwhile counts."""

    places: Places
    models: Mapping[str, ModelEntry] = field(default_factory=lambda: MODELS)
    aids: Mapping[str, ModelEntry] = field(default_factory=lambda: AIDS)
    specs: Mapping[str, EnvironmentSpec] = field(default_factory=lambda: ENVIRONMENTS)

    @property
    def environments(self) -> Environments:
        return Environments(self.places.data_dir / "environments")

    def find(self, name: str) -> ModelEntry:
        """Return the entry of that name. Raises ``ModelNotFound`` listing the names there are."""
        if name not in self.models:
            raise ModelNotFound(f"There is no model {name!r}. There are: {', '.join(self.models)}.", param="model")
        return self.models[name]

    def find_any(self, name: str) -> ModelEntry:
        """Likewise of what can be installed, which is more than models. Raises ``ModelNotFound``."""
        return self.aids[name] if name in self.aids else self.find(name)

    def lacking(self, entry: ModelEntry, options: Mapping[str, Any] | None = None) -> str | None:
        """Say what the model lacks on this machine and how to get it, as a full sentence; None when it can run."""
        given = options or {}
        entry = entry.under(given)
        unset = [name for name in entry.needs if not given.get(name)]
        if unset:
            return f"The model {entry.name} needs the option {unset[0]}: {entry.advice}"
        if not entry.environment:
            return missing(entry)
        why = self.environments.lacking(self.specs[entry.environment])
        if why is None and entry.weights:
            why = self._lacking_weights(entry, given)
        if why is None and entry.presets and not made_in(Path(self.weights(entry, given))):
            advice = f"syrinx models convert-presets {entry.name} DIR"
            return f"The model {entry.name} needs its voices, which are not converted yet: {advice}"
        if why is None:
            return None
        named = str(given.get("weights") or "")
        other = any(each.repo == named for each in entry.weights[1:])
        advice = f"syrinx models install {entry.name}" + (f" --weights {named}" if other else "")
        return f"The model {entry.name} {why}: {advice}"

    def python(self, entry: ModelEntry, options: Mapping[str, Any] | None = None) -> str:
        """The interpreter that its worker runs in."""
        entry = entry.under(options or {})
        return str(self.environments.python(entry.environment)) if entry.environment else sys.executable

    def plan(self, environment: str, torch: TorchSource) -> BuildPlan:
        """How an environment is built: with what every model needs that runs in it."""
        every = [*self.models.values(), *self.aids.values()]
        forms = [form for entry in every for form in entry.forms() if form.environment == environment]
        names = {name for form in forms for name in form.requires}
        return BuildPlan(self.specs[environment], tuple(sorted(names)), torch)

    def device(self, entry: ModelEntry, options: Mapping[str, Any]) -> str:
        """Where it computes, as far as that is known without asking it: what its options say, else by its torch."""
        entry = entry.under(options)
        asked = str(options.get("device") or "auto")
        if asked != "auto":
            return asked
        if not entry.environment:
            return "cpu"
        manifest = self.environments.manifest(entry.environment)
        return "" if manifest is None else device_of(manifest.torch, this_device())

    def weights(self, entry: ModelEntry, options: Mapping[str, Any]) -> str:
        """A local folder where there is one; else the repository that it would be fetched from.

        Where no option names weights, the first of the entry's that are here.
        """
        return self.places.local(self.weights_named(entry, options))

    def weights_named(self, entry: ModelEntry, options: Mapping[str, Any]) -> str:
        """Likewise as it is called: what the options say, else a repository."""
        entry = entry.under(options)
        here = next((each for each in entry.weights if self.has(each)), entry.weights[0])
        return str(options.get("weights") or options.get(here.named_by) or here.repo)

    def has(self, weights: Weights) -> bool:
        """Whether every file of a checkpoint is here, those of its parts too."""
        folder = self.places.model(weights.repo)
        return folder.is_dir() and not absent(folder, weights.files) and all(map(self.has, weights.parts))

    def _lacking_weights(self, entry: ModelEntry, options: Mapping[str, Any]) -> str | None:
        place = self.weights(entry, options)
        if not Path(place).exists():
            return f"needs its weights ({place}), which are not on this machine"
        ours = [each for each in entry.weights if str(self.places.model(each.repo)) == place]
        parts = [part for weights in ours for part in (weights, *weights.parts)]
        for each in (part for part in parts if not options.get(part.named_by)):
            folder = self.places.model(each.repo)
            if not folder.is_dir():
                return f"needs {each.repo} as well, which is not on this machine"
            if lost := absent(folder, each.files):
                return f"needs {', '.join(lost)}, which {folder} does not have"
        return None

    def options(self, entry: ModelEntry, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """What its backend is constructed with: the weights as a place on this machine."""
        has = entry.under(options).weights
        return {**options, "weights": self.weights(entry, options)} if has else options

    def choose_auto(self, options: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[str, str]:
        """Choose the model for ``auto``: the first that speaks and can run here, else the first that can.

        ``options``: those of each model, which may name weights. Returns its name and the reason as a full sentence for
        the user. Raises ``ModelNotReady`` when none can run.
        """
        given = options or {}
        lacking = {entry.name: self.lacking(entry, given.get(entry.name)) for entry in self.models.values()}
        for entry in self.models.values():
            if entry.speaks and lacking[entry.name] is None:
                return entry.name, f"{entry.title} was chosen: the first model in the list that is installed."
        needs = self._needs(lacking)
        for entry in self.models.values():
            if lacking[entry.name] is None:
                why = "which does not speak: no speech model is installed."
                return entry.name, f"{entry.title} was chosen, {why} {needs}"
        raise ModelNotReady(f"No model can run here. {needs}")

    def _needs(self, lacking: Mapping[str, str | None]) -> str:
        """How to get one that speaks: in words for those of the server's own environment, by name for the others."""
        absent = [entry for entry in self.models.values() if lacking[entry.name] is not None]
        others = [entry.name for entry in absent if entry.environment]
        needs = [f"{lacking[entry.name]}." for entry in absent if not entry.environment]
        if others:
            needs.insert(0, f"syrinx models install brings one of {', '.join(others)}.")
        return " ".join(needs)
