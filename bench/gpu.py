"""``python -m bench.gpu [--model NAME ...] [--device cuda:0]``: every model on one GPU, full size, random weights.

For each model its environment's interpreter runs ``--here``: the weights are written, loaded by the model's real code,
and spoken with through the real step loop, to 1, 8, 32 and 64 listeners at once. Nothing of a network or of another
process is in the figures. ``--device cpu --tiny`` shows that it works where there is no GPU.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.playhead import PlayHead
from syrinx.core.clock import SystemClock
from syrinx.core.types import SynthesisJob
from syrinx.models.base import Backend, ModelInfo
from syrinx.models.fetch import Places
from syrinx.models.installed import Installed
from syrinx.models.options import parse_options
from syrinx.models.registry import MODELS, create, find
from syrinx.workers.host import JobTerms
from syrinx.workers.loop import LoopPolicy, StepLoop
from syrinx.workers.main import warm_up
from syrinx.workers.messages import Cancel, FromWorker, Output, Submit
from syrinx.workers.runaway import RunawayPolicy

ROOT = Path(__file__).parents[1]
STREAMS = (1, 8, 32, 64)
TEXT = "By eight the market smells of bread, oranges and rain, and nobody remembers that it was ever quiet here."
JITTER_S = 0.1
"""What a listener's player waits with the first audio in hand."""
ENDLESS = RunawayPolicy(base_s=1e9)
"""Random weights do not know when to end."""
HEAD = ("model", "device", "streams", "TTFA p50", "TTFA max", "audio-s per s", "gapless", "underruns", "GPU memory")


def main(words: Sequence[str]) -> int:
    """Run and print one Markdown table; the exit status is 1 where a model could not be measured."""
    asked = _arguments(words)
    if asked.here:
        return _here(asked)
    print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD), flush=True)
    names = asked.model or [entry.name for entry in MODELS.values() if entry.environment]
    return max([_elsewhere(name, asked) for name in names], default=0)


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description="Measure models on one GPU.")
    parser.add_argument("--model", action="append", metavar="NAME", help="again for more; all that have an environment")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N, mps or cpu")
    parser.add_argument("--dtype", default="", help="as the model's own option")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=JSON", help="further ones of the model")
    parser.add_argument("--streams", type=int, nargs="+", default=STREAMS, metavar="N", help="listeners at once")
    parser.add_argument("--seconds", type=float, default=10.0, help="of audio for each")
    parser.add_argument("--tiny", action="store_true", help="the tests' weights: shows that it works, nothing else")
    parser.add_argument("--data-dir", type=Path, default=Path(".data"), help="where the environments are")
    parser.add_argument("--here", action="store_true", help="in this interpreter, which is a model's own")
    return parser.parse_args(words)


def _elsewhere(name: str, asked: argparse.Namespace) -> int:
    """Have a model measured by its own interpreter."""
    installed = Installed(Places(asked.data_dir))
    python = installed.python(installed.find(name), _further(asked))
    if not Path(python).exists():
        print(f"{name}: syrinx models install {name} --no-weights --data-dir {asked.data_dir}", file=sys.stderr)
        return 1
    words = ["--here", "--model", name, "--device", asked.device, "--dtype", asked.dtype, "--seconds", asked.seconds]
    words += ["--streams", *asked.streams, *(["--tiny"] if asked.tiny else [])]
    words += [word for option in asked.option for word in ("--option", option)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "HF_HUB_OFFLINE": "1"}
    return subprocess.run([python, "-m", "bench.gpu", *map(str, words)], cwd=ROOT, env=environ, check=False).returncode


# --- in the model's environment ------------------------------------------------------------------------------------


def _here(asked: argparse.Namespace) -> int:
    (name,) = asked.model
    with tempfile.TemporaryDirectory(prefix="syrinx-gpu-") as folder:
        backend = create(name, options_of(name, Path(folder), asked))
        info = backend.load()
        try:
            warm_up(backend, info, ENDLESS)
            for streams in asked.streams:
                crowd = Crowd(backend, info, streams, asked.seconds)
                crowd.listen()
                print(crowd.row(name, asked.device), flush=True)
        finally:
            backend.unload()
    return 0


def options_of(name: str, folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Write the model's random weights and return the options that it is loaded with."""
    weights = importlib.import_module(f"tests.neural.{name.replace('-', '_')}.weights")
    place = weights.build(folder / name, full=not asked.tiny)
    options: dict[str, Any] = dict(getattr(weights, "SERVED", None) or {}) if asked.tiny else {}
    options["weights"] = str(place if isinstance(place, Path) else folder / name)
    known = find(name).options_schema()["properties"]
    options |= {
        key: value for key, value in (("device", asked.device), ("dtype", asked.dtype)) if value and key in known
    }
    options |= _further(asked)
    module, _, kind = find(name).options.partition(":")
    parse_options(name, getattr(importlib.import_module(module), kind), options)
    return options


def _further(asked: argparse.Namespace) -> dict[str, Any]:
    """The options that were named one by one."""
    return {key: json.loads(value) for key, _, value in (option.partition("=") for option in asked.option)}


class NoRecord:
    """Of what the model is at work on: nobody asks here."""

    def begin(self, job_ids: Sequence[str]) -> None:
        return None

    def end(self) -> None:
        return None


@dataclass(slots=True)
class Listener:
    """One stream: jobs one after the other, until it heard enough."""

    name: str
    began: float
    head: PlayHead = field(default_factory=lambda: PlayHead(JITTER_S))
    first_s: float | None = None
    jobs: int = 0

    @property
    def job_id(self) -> str:
        return f"{self.name}-{self.jobs}"


class Crowd:
    """So many listeners who ask at once."""

    def __init__(self, backend: Backend, info: ModelInfo, streams: int, seconds: float, text: str = TEXT) -> None:
        self._loop = StepLoop(backend, info, LoopPolicy(runaway=ENDLESS), SystemClock(), NoRecord())
        self._info = info
        self._seconds = seconds
        self._text = text[: info.max_segment_chars]
        self._order = 0
        self.listeners = [Listener(f"l{n}", 0.0) for n in range(streams)]
        self.wall_s = 0.0

    def listen(self) -> None:
        """Until each has heard ``seconds`` of audio. Raises ``RuntimeError`` for what the model raised."""
        _forget_memory()
        began = time.perf_counter()
        running = {listener.job_id: listener for listener in self.listeners}
        for listener in self.listeners:
            listener.began = began
            self._ask(listener)
        while running:
            for message in self._loop.turn().messages:
                self._heard(message, running)
        self.wall_s = time.perf_counter() - began

    def _ask(self, listener: Listener) -> None:
        voice = self._info.voice(self._info.default_voice)
        assert voice is not None, "it spoke in it to warm up"
        self._order += 1
        job = SynthesisJob(listener.job_id, self._text, voice.id, voice.languages[0], seed=self._order)
        answers = self._loop.receive(Submit(job, JobTerms(listener.name), self._order, credit_s=1e9))
        for answer in answers:
            if isinstance(answer, Output) and answer.fault is not None:
                raise RuntimeError(answer.fault.message)

    def _heard(self, message: FromWorker, running: dict[str, Listener]) -> None:
        if not isinstance(message, Output) or (listener := running.get(message.job_id)) is None:
            return
        if message.fault is not None:
            raise RuntimeError(message.fault.message)
        if message.samples is not None:
            now = time.perf_counter()
            listener.head.receive(now, len(message.samples) / 4 / message.sample_rate)
            listener.first_s = now - listener.began if listener.first_s is None else listener.first_s
        enough = listener.head.received_s >= self._seconds
        if not (enough or message.done):
            return
        del running[message.job_id]
        if not message.done:
            self._loop.receive(Cancel(message.job_id))
        if not enough:
            listener.jobs += 1
            running[listener.job_id] = listener
            self._ask(listener)

    def row(self, name: str, device: str) -> str:
        """What came of it, as a row under ``HEAD``."""
        firsts = sorted(listener.first_s or 0.0 for listener in self.listeners)
        heads = [listener.head for listener in self.listeners]
        cells = (
            name,
            _device_name(device),
            len(heads),
            f"{firsts[len(firsts) // 2] * 1000:.0f} ms",
            f"{firsts[-1] * 1000:.0f} ms",
            f"{sum(head.received_s for head in heads) / self.wall_s:.1f}",
            f"{sum(not head.underruns for head in heads)} of {len(heads)}",
            sum(head.underruns for head in heads),
            _memory(),
        )
        return "| " + " | ".join(map(str, cells)) + " |"


def _torch() -> Any:
    """torch, where the environment has it and it finds a CUDA device; else None."""
    try:
        import torch
    except ImportError:
        return None
    return torch if torch.cuda.is_available() else None


def _device_name(device: str) -> str:
    torch = _torch()
    return torch.cuda.get_device_name(device) if torch is not None and device.startswith("cuda") else device


def _forget_memory() -> None:
    if (torch := _torch()) is not None:
        torch.cuda.reset_peak_memory_stats()


def _memory() -> str:
    torch = _torch()
    return "" if torch is None else f"{torch.cuda.max_memory_allocated() / 1e9:.1f} GB"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
