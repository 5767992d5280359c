"""Kokoro behind Syrinx beside the plain library, a sentence at a time, on the same random weights::

    PYTHONPATH=src python -m bench.models.kokoro ENVIRONMENT [--tiny] [--rounds 3] [--threads N] [--weights FOLDER]

Runs in the server's environment; ENVIRONMENT is the folder of the model's. The server and the plain library stand at
once and take turns, so that what else the machine does hits both.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from bench.figure import MISSED, Figure, table
from bench.harness import RATE, SPEECH_PATH, Server, ServerPlan
from bench.http import HttpClient
from bench.models import cancel
from bench.playhead import PlayHead
from syrinx.models.environment import ENVIRONMENTS, Environments, Manifest

SENTENCES = (
    "The morning train was late again because of heavy snow in town.",
    "Nobody on the platform seemed to mind the cold or the wait.",
    "A small dog slept under the bench beside an old brown suitcase.",
    "Two children counted the birds that sat along the long black wire.",
    "When the whistle finally came, everyone picked up their things and smiled.",
)
"""Twelve words each."""
VOICE = "af_heart"
JITTER_S = 0.06
"""What a listener keeps in hand before it starts to play: three packets of 20 ms."""
START_S = 300.0
"""Longest start: torch and transformers are imported."""
ROOT = Path(__file__).parents[2]

BUILD = """
import sys
from pathlib import Path
from tests.neural.kokoro.weights import build
build(Path(sys.argv[1]), full=sys.argv[2] == "full")
"""

PLAIN = """
import json, sys, time
from pathlib import Path
import torch
from kokoro import KModel, KPipeline
from syrinx.models.kokoro.readers import Readers
folder = Path(sys.argv[1])
model = KModel(repo_id="local", config=str(folder / "config.json"), model=str(folder / "kokoro-v1_0.pth")).eval()
pack = torch.load(folder / "voices" / f"{sys.argv[2]}.pt", weights_only=True)
readers = Readers(folder)
for line in sys.stdin:
    began, first, samples = time.perf_counter(), 0.0, 0
    for sentence in json.loads(line):
        units = readers.read(sentence, "a")
        phonemes = "".join(u.phonemes + " " * u.spaced for u in units).strip()
        samples += KPipeline.infer(model, phonemes, pack, 1).audio.shape[-1]
        first = first or time.perf_counter() - began
    print(json.dumps([first, samples / 24000, time.perf_counter() - began]), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Round:
    """Some listeners at once, or one call of the plain library."""

    ttfa_s: Sequence[float]
    audio_s: float
    wall_s: float
    gapless: int = 0
    """Listeners whose buffer never ran dry."""

    @property
    def speed(self) -> float:
        """Seconds of audio made per second."""
        return self.audio_s / self.wall_s

    @property
    def usual_ttfa_s(self) -> float:
        return statistics.median(self.ttfa_s)


class Plain:
    """The library in a process of its environment; a context manager."""

    def __init__(self, environment: Path, weights: Path, threads: int) -> None:
        self._environ = _environ() | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
        self._command = [str(environment / "bin" / "python"), "-W", "ignore", "-c", PLAIN, str(weights), VOICE]

    def __enter__(self) -> Plain:
        self._process = subprocess.Popen(
            self._command, env=self._environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait(30)

    def speak(self, sentences: Sequence[str]) -> Round:
        """One sentence after the other; its first audio is the first sentence whole."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(sentences) + "\n")
        self._process.stdin.flush()
        first, audio_s, wall_s = json.loads(self._process.stdout.readline())
        return Round([first], audio_s, wall_s)


async def listen(port: int, text: str) -> tuple[float, PlayHead]:
    """From the request to the first sample, and what came when."""
    body = {"model": "kokoro", "input": text, "voice": VOICE, "response_format": "pcm", "cache": False}
    first, head = 0.0, PlayHead(JITTER_S)
    async with HttpClient(port) as client:
        began = time.perf_counter()
        async for piece in client.post(SPEECH_PATH, body):
            now = time.perf_counter()
            first = first or now - began
            head.receive(now, len(piece) / 2 / RATE)
    return first, head


async def round_of(port: int, sentences: Sequence[str], clients: int) -> Round:
    """All clients ask for the same text at the same moment."""
    began = time.perf_counter()
    heard = await asyncio.gather(*(listen(port, " ".join(sentences)) for _ in range(clients)))
    wall_s, heads = time.perf_counter() - began, [head for _, head in heard]
    gapless = sum(head.underruns == 0 for head in heads)
    return Round([first for first, _ in heard], sum(head.received_s for head in heads), wall_s, gapless)


# --- weights and the server ------------------------------------------------------------------------------------------


def _environ() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "HF_HUB_OFFLINE": "1"}


def build(environment: Path, folder: Path, *, full: bool) -> Path:
    """Random weights, made in the model's environment."""
    command = [str(environment / "bin" / "python"), "-c", BUILD, str(folder), "full" if full else "tiny"]
    subprocess.run(command, env=_environ(), check=True)
    return folder


def server_with(environment: Path, weights: Path, folder: Path, threads: int) -> Server:
    """Syrinx with the model in its environment, not started yet."""
    data = folder / "data"
    environments = Environments(data / "environments")
    environments.folder.mkdir(parents=True)
    environments.place("kokoro").symlink_to(environment.absolute(), target_is_directory=True)
    if environments.lacking(ENVIRONMENTS["kokoro"]) is not None:
        environments.certify(Manifest("kokoro", ENVIRONMENTS["kokoro"].digest(), ENVIRONMENTS["kokoro"].torch))
    options = {"weights": str(weights), "threads": threads}
    settings = {"data_dir": data, "when_busy": "share"}  # what is asked for is a soon beginning for four, not no gap
    return Server(ServerPlan("kokoro", options, settings, ready_wait_s=START_S), folder)


# --- figures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """One text for some clients at once."""

    sentences: Sequence[str]
    clients: int

    @property
    def name(self) -> str:
        return f"Kokoro, {12 * len(self.sentences)} words, {self.clients} client{'s' * (self.clients > 1)}"


CASES = (Case(SENTENCES[:1], 1), Case(SENTENCES, 1), Case(SENTENCES, 4))
LEAVING = cancel.Spoken("kokoro", " ".join(SENTENCES), VOICE)


@dataclass(frozen=True, slots=True)
class Plan:
    environment: Path
    weights: Path
    rounds: int
    threads: int
    """0: one for each core."""
    cancels: int


def measure(plan: Plan, folder: Path) -> list[Figure]:
    """All figures."""
    python = plan.environment / "bin" / "python"
    steps = cancel.steps_of(python, LEAVING, {"weights": str(plan.weights), "threads": plan.threads})
    figures: list[Figure] = []
    with (
        Plain(plan.environment, plan.weights, plan.threads) as plain,
        server_with(plan.environment, plan.weights, folder, plan.threads) as server,
    ):
        plain.speak(SENTENCES[:1])  # the first time of either is not counted
        asyncio.run(round_of(server.port, SENTENCES[:1], 1))
        for case in CASES:
            pairs = [
                (asyncio.run(round_of(server.port, case.sentences, case.clients)), plain.speak(case.sentences))
                for _ in range(plan.rounds)
            ]
            made = _figures(case, [mine for mine, _ in pairs], [theirs for _, theirs in pairs])
            sys.stderr.write(f"{table(made)}\n")  # it takes minutes: what is known is shown
            figures += made
        left = cancel.measure(server, LEAVING, plan.cancels)
    return [*figures, cancel.figure("Kokoro", left, steps)]


def _figures(case: Case, mine: Sequence[Round], theirs: Sequence[Round]) -> list[Figure]:
    ttfa = statistics.median(each.usual_ttfa_s for each in mine)
    whole = statistics.median(each.wall_s for each in theirs)
    speed, plain = (statistics.median(each.speed for each in rounds) for rounds in (mine, theirs))
    if len(case.sentences) == 1:
        ratio = ttfa / whole
        said = f"{ratio:.2f}x ({ttfa:.2f} s)"
        what = f"{case.name}: TTFA over the plain library's time for the sentence"
        return [Figure(what, "<= 0.4x", said, f"{whole:.2f} s", ok=ratio <= 0.4)]
    most_s, least = (0.6, 0.97) if case.clients == 1 else (2.5, 0.95)
    first = statistics.median(each.usual_ttfa_s for each in theirs)
    ratio = speed / plain
    gapless = statistics.median(each.gapless for each in mine)
    whole = 1 if case.clients == 1 else 0  # two cores cannot carry four
    return [
        Figure(
            f"{case.name}: gapless streams", f">= {whole}", f"{gapless:g} of {case.clients}", "-", ok=gapless >= whole
        ),
        Figure(
            f"{case.name}: TTFA p50", f"<= {most_s:g} s", f"{ttfa:.2f} s", f"{first:.2f} s alone", ok=ttfa <= most_s
        ),
        Figure(
            f"{case.name}: audio-s/s over the plain library's, a sentence at a time",
            f">= {least:g}x",
            f"{ratio:.2f}x ({speed:.2f})",
            f"{plain:.2f}",
            ok=ratio >= least,
        ),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.models.kokoro", description=__doc__)
    parser.add_argument("environment", type=Path)
    parser.add_argument("--tiny", action="store_true", help="shows that the measure works; its figures say nothing")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="of the model, in both; 0: one for each core")
    parser.add_argument("--cancels", type=int, default=8)
    parser.add_argument("--weights", type=Path, help="a checkpoint that is there; else random ones are made")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="syrinx-bench-kokoro-") as folder:
        place = Path(folder)
        weights = given.weights or build(given.environment, place / "weights", full=not given.tiny)
        figures = measure(Plan(given.environment, weights, given.rounds, given.threads, given.cancels), place)
    sys.stdout.write(table(figures) + "\n")
    return 0 if all(figure.ok for figure in figures) else MISSED


if __name__ == "__main__":
    raise SystemExit(main())
