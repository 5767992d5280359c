"""``syrinx models install``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

from cyclopts import Parameter

from syrinx.core.errors import InvalidRequest, SyrinxError

from .folder import settings_of
from .progress import StatusLine

if TYPE_CHECKING:
    from syrinx.models.fetch import Places
    from syrinx.models.installed import Installed
    from syrinx.models.registry import ModelEntry
    from syrinx.models.torch_build import TorchSource
    from syrinx.models.weights import Weights


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class WeightsAsked:
    """Which weights, and from where."""

    weights: Annotated[
        str | None, Parameter(help="Which checkpoint: org/name, or the name alone (syrinx models list --json).")
    ] = None
    from_: Annotated[
        tuple[Path, ...] | None,
        Parameter(name="--from", help="Folder that has the weights; again for each further part. Nothing is fetched."),
    ] = None
    link: Annotated[bool, Parameter(help="Link to the folder of --from instead of copying it.")] = False
    mend: Annotated[
        bool, Parameter(help="Compare weights that are here with the hub's checksums, and fetch anew what differs.")
    ] = False
    no_weights: Annotated[bool, Parameter(help="Only build the environment.")] = False


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class TorchAsked:
    """Which torch."""

    torch: Annotated[
        str, Parameter(help="Build of torch: auto, default (the index's own), cpu, or a label such as cu130, rocm7.1.")
    ] = "auto"
    torch_index: Annotated[
        str | None, Parameter(help="URL of the package index with that build (the setting torch_index).")
    ] = None
    rebuild: Annotated[bool, Parameter(help="Build the environment anew, also where it is whole.")] = False


ANY_WEIGHTS = WeightsAsked()
ANY_TORCH = TorchAsked()


def install_model(
    name: Annotated[str, Parameter(help="The model (syrinx models list).")],
    /,
    *,
    which: WeightsAsked = ANY_WEIGHTS,
    how: TorchAsked = ANY_TORCH,
    no_trial: Annotated[bool, Parameter(help="Do not load it at the end to see how fast it is.")] = False,
    data_dir: Annotated[Path | None, Parameter(help="The data folder (.data).")] = None,
    config: Annotated[Path | None, Parameter(help="TOML file of settings (docs/settings.md).")] = None,
) -> int:
    """Build a model's environment from its lock and bring its weights into the data folder."""
    from syrinx.models.torch_build import TorchSource
    from syrinx.wiring import installed_here

    from .model_try import run_trial

    settings = settings_of(data_dir, config)
    installed = installed_here(settings)
    options = dict(settings.model_options.get(name, {}))
    entry = installed.find_any(name).under(options)
    chosen = choose_weights(entry, which)
    source = TorchSource(how.torch, settings.torch_index if how.torch_index is None else how.torch_index)
    source.check()
    if entry.environment:
        install_environment(entry, installed, source, how != ANY_TORCH)
    if chosen is not None and not which.no_weights:
        bring_weights(chosen, installed, which)
    lacking = installed.lacking(entry, options)
    if lacking is not None:
        print(f"{lacking}." if not which.no_weights else f"Its environment is ready. {lacking}.")
        return 0 if which.no_weights else 1
    if name in installed.aids:
        print(f"{entry.title} is ready, and is used where it is needed.")
        return 0
    hint = "" if chosen is None else _hint(entry, chosen, installed, options)
    if not no_trial and not hint:
        run_trial(name, settings)
    print(f"The model {name} is ready: syrinx serve --model {name}{hint}")
    return 0


def choose_weights(entry: ModelEntry, asked: WeightsAsked) -> Weights | None:
    """The checkpoint that is meant; None: the model has none.

    Raises ``InvalidRequest`` for what it cannot have, and for folders that do not hold it, before anything is built.
    """
    from syrinx.models.local_weights import check
    from syrinx.models.weights import Weights

    if not entry.weights:
        if asked.weights or asked.from_:
            raise InvalidRequest(f"The model {entry.name} has no weights to install.", param="weights")
        return None
    names = {
        name: each for each in reversed(entry.weights) for name in (each.repo.split("/")[1].lower(), each.repo.lower())
    }
    wanted = (asked.weights or entry.weights[0].repo).lower()
    chosen = names.get(wanted)
    if chosen is None:
        if "/" not in wanted:
            there = ", ".join(each.repo for each in entry.weights)
            raise InvalidRequest(f"{asked.weights!r} is none of the weights of {entry.name}: {there}.", param="weights")
        chosen = Weights(str(asked.weights), 0, "", parts=entry.weights[0].parts)  # somebody's own of the same make
    folders = asked.from_ or ()
    if len(folders) > 1 + len(chosen.parts):
        raise InvalidRequest(f"{chosen.repo} takes {1 + len(chosen.parts)} folders at most.", param="from")
    for each, folder in zip((chosen, *chosen.parts), folders, strict=False):
        check(folder, each)
    return chosen


def install_environment(entry: ModelEntry, installed: Installed, source: TorchSource, anew: bool) -> None:
    """Build the model's environment unless it is whole and nobody asked for another. Raises ``ModelNotReady``."""
    from syrinx.models.install import build, discard_earlier

    environments, spec = installed.environments, installed.specs[entry.environment]
    if environments.lacking(spec) is None and not anew:
        print(f"The environment {spec.name} is there.")
        discard_earlier(spec.name, environments)
        return
    environments.folder.mkdir(parents=True, exist_ok=True)
    log_path = environments.folder / f"{spec.name}.log"
    line = StatusLine()
    try:
        with log_path.open("w", encoding="utf-8") as log:
            manifest = build(installed.plan(entry.environment, source), environments, _teller(line, log))
    except SyrinxError:
        print(f"What was done is in {log_path}.", file=sys.stderr)
        raise
    finally:
        line.clear()
    torch = f" with torch {manifest.torch}" if manifest.torch else ""
    print(f"The environment {spec.name} is built{torch}: {environments.place(spec.name)}")


def _teller(line: StatusLine, log: TextIO) -> Callable[[str], None]:
    """Steps are printed, the lines of pip are shown as they pass; all of it goes to the log."""
    step = ""

    def say(text: str) -> None:
        nonlocal step
        log.write(text + "\n")
        log.flush()
        if not text.startswith(" "):
            step = text
            line.clear()
            print(text, flush=True)
        line.show(f"{step}: {text.strip()[:60]}" if text.startswith(" ") else step)

    return say


def bring_weights(chosen: Weights, installed: Installed, asked: WeightsAsked) -> None:
    """Have a checkpoint and its parts in the data folder: from folders, or from the hub. Raises ``SyrinxError``."""
    from syrinx.models.local_weights import take

    folders = asked.from_ or ()
    for index, each in enumerate((chosen, *chosen.parts)):
        if index < len(folders):
            print(f"{each.repo}: {take(folders[index], each, installed.places, link=asked.link)}")
        elif installed.has(each) and not asked.mend:
            print(f"{each.repo} is there. If a file of it is broken, --mend brings that anew.")
        else:
            print(f"{each.repo}: {_fetched(each, installed.places, mend=asked.mend)}")


def _fetched(weights: Weights, places: Places, *, mend: bool) -> Path:
    """Fetch in a process of its own, whose bars are shown. Raises ``ModelNotReady``."""
    from syrinx.models.fetch import command, environment, outcome

    print(f"{'Mending' if mend else 'Fetching'} {weights.repo}", flush=True)
    with subprocess.Popen(
        command(weights.repo, places, weights.files, mend=mend),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=environment(places, os.environ),
    ) as process:
        try:
            said, _ = process.communicate()
        except BaseException:
            process.kill()
            raise
    return outcome(weights.repo, said)


def _hint(entry: ModelEntry, chosen: Weights, installed: Installed, options: dict[str, object]) -> str:
    """What to set so that these weights are the ones loaded; empty: they are."""
    if installed.weights(entry, options) == str(installed.places.model(chosen.repo)):
        return ""
    return f', with these weights where model_options says {{"{entry.name}": {{"weights": "{chosen.repo}"}}}}'
