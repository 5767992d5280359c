"""Pocket TTS behind Syrinx beside ``pocket-tts serve`` and the library's bare loop, on the same random weights::

    PYTHONPATH=src python -m bench.models.pocket ENVIRONMENT [--config english] [--tiny] [--clients 1,8] [--rounds 3]

Runs in the server's environment; ENVIRONMENT is the folder of the model's. Both servers stand at once and take turns,
so that what else the machine does hits both.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figure import MISSED, Figure, table
from bench.harness import HOST, RATE, SPEECH_PATH, Server, ServerPlan, free_port
from bench.http import HttpClient
from bench.models import cancel
from bench.playhead import PlayHead
from syrinx.models.environment import ENVIRONMENTS, Environments, Manifest

TEXT = "Hello world, this is a test of the streaming text to speech server."
LEAVING = cancel.Spoken("pocket", " ".join([TEXT] * 12), "alba")
JITTER_S = 0.06
"""What a listener keeps in hand before it starts to play: three packets of 20 ms."""
WAV_HEAD = 44
"""Bytes before the samples of the peer's stream."""
START_S = 180.0
"""Longest start of the peer: it imports torch and loads the weights."""
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Heard:
    """One stream as its listener had it."""

    ttfa_s: float
    audio_s: float
    underruns: int


@dataclass(frozen=True, slots=True)
class Round:
    """Some clients at once."""

    wall_s: float
    streams: Sequence[Heard]

    @property
    def speed(self) -> float:
        """Seconds of audio made per second."""
        return sum(stream.audio_s for stream in self.streams) / self.wall_s

    @property
    def gapless(self) -> int:
        return sum(stream.underruns == 0 for stream in self.streams)

    @property
    def ttfa_s(self) -> float:
        return statistics.median(stream.ttfa_s for stream in self.streams)


class PeerClient(HttpClient):
    """Asks as ``pocket-tts serve`` wants it: a form."""

    def send(self, path: str, body: Mapping[str, Any]) -> None:
        data = urllib.parse.urlencode(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        self._writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)

    async def post(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[bytes, None]:
        """Yield samples only."""
        head = WAV_HEAD
        async for piece in super().post(path, body):
            if len(piece) > head:
                yield piece[head:]
            head = max(0, head - len(piece))


@dataclass(frozen=True, slots=True)
class Target:
    """One of the two servers."""

    client: type[HttpClient]
    port: int
    path: str
    body: Mapping[str, Any]

    async def listen(self) -> Heard:
        head, received, first = PlayHead(JITTER_S), 0, 0.0
        async with self.client(self.port) as client:
            began = time.perf_counter()
            async for piece in client.post(self.path, self.body):
                now = time.perf_counter()
                first = first or now - began
                received += len(piece)
                head.receive(now, len(piece) / 2 / RATE)
        return Heard(first, received / 2 / RATE, head.underruns)

    async def round(self, clients: int) -> Round:
        began = time.perf_counter()
        streams = await asyncio.gather(*(self.listen() for _ in range(clients)))
        return Round(time.perf_counter() - began, streams)


# --- weights and servers ---------------------------------------------------------------------------------------------


def in_environment(environment: Path, code: str, *arguments: str) -> str:
    """Run code in the model's environment with our sources; returns what it prints."""
    environ = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "HF_HUB_OFFLINE": "1"}
    command = [str(environment / "bin" / "python"), "-c", code, *arguments]
    return subprocess.run(command, env=environ, check=True, stdout=subprocess.PIPE, text=True).stdout


def configs(environment: Path) -> list[str]:
    """Names of the configurations in the library of an environment; none where there is no such library."""
    return sorted(path.stem for path in environment.glob("lib/python*/site-packages/pocket_tts/config/*.yaml"))


BUILD = """
import sys
from pathlib import Path
from tests.neural.pocket.weights import build, library_yaml
folder, config, full = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "full"
build(folder, full=full, config=config)
print(library_yaml(folder, config=config))
"""

BARE = """
import json, sys, time
from pocket_tts import TTSModel
model = TTSModel.load_model(config=sys.argv[1])
voice = model.get_state_for_audio_prompt(sys.argv[2])
for round in range(1 + int(sys.argv[4])):
    began, first, samples = time.perf_counter(), 0.0, 0
    for chunk in model.generate_audio_stream(voice, sys.argv[3]):
        first = first or time.perf_counter() - began
        samples += len(chunk)
    if round:
        print(json.dumps([samples / 24000 / (time.perf_counter() - began), first]))
"""


@contextlib.contextmanager
def peer(environment: Path, config: Path, voice: Path, log: Path) -> Iterator[Target]:
    """``pocket-tts serve``, ready."""
    port = free_port()
    inside = environment / "bin"  # its scripts name the folder that the environment was built in
    command = [str(inside / "python"), str(inside / "pocket-tts"), "serve", "--host", HOST, "--port", str(port)]
    command += ["--config", str(config), "--default-voice", str(voice)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | {"HF_HUB_OFFLINE": "1"})
    try:
        until = time.monotonic() + START_S
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"pocket-tts serve did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        yield Target(PeerClient, port, "/tts", {"text": TEXT})
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    import http.client

    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def ours(environment: Path, options: Mapping[str, Any], folder: Path) -> Iterator[tuple[Target, Server]]:
    """Syrinx with the model in its environment, ready."""
    data = folder / "data"
    patient = {"data_dir": data, "queue_wait_sla_ms": 600_000}  # the peer turns nobody away either
    plan = ServerPlan("pocket", options, patient)
    server = Server(plan, folder)
    environments = Environments(data / "environments")
    environments.folder.mkdir(parents=True)
    environments.place("pocket").symlink_to(environment.absolute(), target_is_directory=True)
    if environments.lacking(ENVIRONMENTS["pocket"]) is not None:
        environments.certify(Manifest("pocket", ENVIRONMENTS["pocket"].digest(), "2.13.0"))
    with server:
        body = {"model": "pocket", "input": TEXT, "voice": "alba", "response_format": "pcm", "cache": False}
        yield Target(HttpClient, server.port, SPEECH_PATH, body), server


# --- figures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    environment: Path
    config: str
    full: bool
    clients: Sequence[int]
    rounds: int
    cancels: int

    @property
    def name(self) -> str:
        return f"Pocket {self.config}{'' if self.full else ', tiny'}"


def measure(plan: Plan, folder: Path) -> list[Figure]:
    """All figures of one configuration."""
    weights = folder / "weights"
    said = in_environment(plan.environment, BUILD, str(weights), plan.config, "full" if plan.full else "tiny")
    yaml = Path(said.split()[-1])
    voice = next(weights.rglob("embeddings/alba.safetensors"))
    bare = [json.loads(line) for line in _bare(plan, yaml, voice).splitlines()]
    options = {"weights": str(weights), "config": plan.config if plan.full else ""}
    steps = cancel.steps_of(plan.environment / "bin" / "python", LEAVING, options)
    with (
        peer(plan.environment, yaml, voice, folder / "peer.log") as theirs,
        ours(plan.environment, options, folder) as (mine, server),
    ):
        rounds = {clients: asyncio.run(_take_turns(mine, theirs, clients, plan.rounds)) for clients in plan.clients}
        left = cancel.measure(server, LEAVING, plan.cancels)
    figures = [figure for clients in plan.clients for figure in _figures(plan, clients, *rounds[clients], bare)]
    return [*figures, cancel.figure(plan.name, left, steps)]


def _bare(plan: Plan, yaml: Path, voice: Path) -> str:
    return in_environment(plan.environment, BARE, str(yaml), str(voice), TEXT, str(plan.rounds))


async def _take_turns(mine: Target, theirs: Target, clients: int, rounds: int) -> tuple[list[Round], list[Round]]:
    for target in (mine, theirs):
        await target.round(1)
    pairs = [(await mine.round(clients), await theirs.round(clients)) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _figures(plan: Plan, clients: int, mine: list[Round], theirs: list[Round], bare: list[list[float]]) -> list[Figure]:
    def middle(rounds: list[Round], what: str) -> float:
        return statistics.median(getattr(each, what) for each in rounds)

    name = f"{plan.name}, {clients} client{'s' * (clients > 1)}"
    speed, peers = middle(mine, "speed"), middle(theirs, "speed")
    ttfa, peers_ttfa = middle(mine, "ttfa_s"), middle(theirs, "ttfa_s")
    gapless, peers_gapless = middle(mine, "gapless"), middle(theirs, "gapless")
    fast, soon, whole = (3.0, None, 5) if clients > 1 else (None, 1.0, 1)
    if plan.config != "english":
        whole = clients
    rows = [
        _row(f"{name}: audio-s/s over pocket-tts serve's", fast, speed / peers, f"{speed:.2f}", f"{peers:.2f}"),
        _row(
            f"{name}: TTFA p50 over pocket-tts serve's",
            soon,
            ttfa / peers_ttfa,
            _ms(ttfa),
            _ms(peers_ttfa),
            least=False,
        ),
    ]
    said, theirs_said = f"{gapless:g} of {clients}", f"pocket-tts serve {peers_gapless:g} of {clients}"
    rows.append(Figure(f"{name}: gapless streams", f">= {whole} of {clients}", said, theirs_said, ok=gapless >= whole))
    if clients == 1:
        loop = statistics.median(each[0] for each in bare)
        rows.append(_row(f"{name}: audio-s/s over the bare loop's", 0.97, speed / loop, f"{speed:.2f}", f"{loop:.2f}"))
    return rows


def _row(what: str, reach: float | None, ratio: float, mine: str, theirs: str, *, least: bool = True) -> Figure:
    sign = ">=" if least else "<="
    ok = reach is None or (ratio >= reach if least else ratio <= reach)
    return Figure(what, "-" if reach is None else f"{sign} {reach:g}x", f"{ratio:.2f}x ({mine})", theirs, ok=ok)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.models.pocket", description=__doc__)
    parser.add_argument("environment", type=Path)
    parser.add_argument("--config", default="english")
    parser.add_argument("--tiny", action="store_true", help="shows that the measure works; its figures say nothing")
    parser.add_argument("--clients", default="1,8")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cancels", type=int, default=8)
    given = parser.parse_args()
    names = configs(given.environment)
    if not names:
        parser.error(f"{given.environment} has no pocket-tts: make test-models MODEL=pocket builds it.")
    if given.config not in names:
        parser.error(f"--config {given.config}: the library has {', '.join(names)}.")
    clients = [int(number) for number in given.clients.split(",")]
    plan = Plan(given.environment, given.config, not given.tiny, clients, given.rounds, given.cancels)
    with tempfile.TemporaryDirectory(prefix="syrinx-bench-pocket-") as folder:
        figures = measure(plan, Path(folder))
    sys.stdout.write(table(figures) + "\n")
    return 0 if all(figure.ok for figure in figures) else MISSED


if __name__ == "__main__":
    raise SystemExit(main())
