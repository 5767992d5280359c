"""Every example runs as a newcomer would run it, against a real server, and makes real sound."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.fakes.server_process import ServerProcess

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SDK = ROOT / "tests" / "clients" / "node_modules"
LONGEST_S = 60.0


def run(command: Sequence[str | Path], folder: Path) -> str:
    """Run it in ``folder`` and return what it printed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SYRINX_", "OPENAI_"))}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_audible(samples: np.ndarray) -> None:
    assert np.abs(samples).max() > 0.01, "there is only silence"


def test_the_openai_sdk_for_python(server: ServerProcess, tmp_path: Path) -> None:
    said = run([sys.executable, EXAMPLES / "openai_python.py", server.url], tmp_path)
    samples = np.fromfile(tmp_path / "openai_python.pcm", "<i2") / 32768
    assert_audible(samples)
    shown = re.search(r"first audio after \d+ ms; ([\d.]+) s of audio", said)
    assert shown is not None and float(shown[1]) == pytest.approx(len(samples) / 24_000, abs=0.05)


@pytest.mark.parametrize("script", ["openai_realtime.py", "openai_realtime_node.mjs"])
def test_the_openai_sdks_on_the_realtime_api(script: str, server: ServerProcess, tmp_path: Path) -> None:
    words, told, stopped = run_script(script, server.url, tmp_path).splitlines()
    pcm = Path(script).with_suffix(".pcm")
    samples = np.fromfile(tmp_path / pcm, "<i2") / 32768
    assert_audible(samples)
    assert words == "The first words are heard while the last are made."
    assert told == f"{len(samples) / 24_000:.1f} s of audio in {pcm}" and len(samples) > 24_000
    heard = stopped.removeprefix("stopped; heard: ")
    assert "Nobody knows how long this goes on. Nobody knows how long".startswith(heard) and "Nobody knows" in heard


def test_the_elevenlabs_sdk_for_python(server: ServerProcess, tmp_path: Path) -> None:
    said = run([sys.executable, EXAMPLES / "elevenlabs_sdk.py", server.url], tmp_path)
    samples = np.fromfile(tmp_path / "elevenlabs_sdk.pcm", "<i2") / 32768
    assert_audible(samples)
    shown = re.search(r"first audio after \d+ ms; ([\d.]+) s of audio", said)
    assert (
        shown is not None and float(shown[1]) == pytest.approx(len(samples) / 24_000, abs=0.06) and float(shown[1]) > 2
    )
    assert re.search(r"'e' is heard after [1-9]\.\d\d s", said), "times spell the text"


@pytest.mark.parametrize("script", ["cartesia_sdk.py", "cartesia_node.mjs"])
def test_the_cartesia_sdks(script: str, server: ServerProcess, tmp_path: Path) -> None:
    said = run_script(script, server.url, tmp_path)
    samples = np.fromfile(tmp_path / Path(script).with_suffix(".pcm"), "<i2") / 32768
    assert_audible(samples)
    assert int(said.partition(" voices\n")[0]) > 100, "every page of the list"
    shown = re.search(r"first audio after \d+ ms; ([\d.]+) s of audio", said)
    assert (
        shown is not None and float(shown[1]) == pytest.approx(len(samples) / 24_000, abs=0.06) and float(shown[1]) > 2
    )
    assert "heard: The first words are heard while the last ones are still being made.\n" in said


def run_script(script: str, url: str, folder: Path) -> str:
    """Run it in the language that its name tells."""
    if script.endswith(".mjs"):
        return run_node(script, url, folder)
    return run([sys.executable, EXAMPLES / script, url], folder)


def run_node(script: str, url: str, folder: Path) -> str:
    """Run it beside a copy of the packages, where node looks for them."""
    if shutil.which("node") is None or not SDK.is_dir():
        pytest.skip("needs node, and `npm ci --prefix tests/clients`")
    (folder / "node_modules").symlink_to(SDK, target_is_directory=True)
    shutil.copy(EXAMPLES / script, folder)
    return run(["node", script, url], folder)


@pytest.mark.parametrize("script", ["openai_node.mjs", "elevenlabs_node.mjs"])
def test_the_sdks_for_javascript(script: str, server: ServerProcess, tmp_path: Path) -> None:
    said = run_node(script, server.url, tmp_path)
    assert "first audio after" in said
    samples, rate = soundfile.read(tmp_path / script.replace(".mjs", ".mp3"))
    assert_audible(samples)
    assert len(samples) / rate > 2
    if script == "elevenlabs_node.mjs":
        assert re.search(r'"e" is heard after [1-9]\.\d\d s', said), "times spell the text"


def test_a_voice_agent_speaks_and_is_interrupted(server: ServerProcess, tmp_path: Path) -> None:
    said = run([sys.executable, EXAMPLES / "voice_agent.py", server.url], tmp_path)
    first = re.search(r"first answer: ([\d.]+) s", said)
    second = re.search(r"second answer: stopped after ([\d.]+) s", said)
    assert first is not None and 3.0 < float(first[1]) < 15.0
    assert second is not None and 1.0 <= float(second[1]) < 20 * float(first[1]) / 2


def test_curl(server: ServerProcess, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    lines = run(["sh", EXAMPLES / "curl.sh", server.url], tmp_path).splitlines()
    assert lines[0] == "wrote hello.wav"
    assert int(lines[1]) >= 1
    assert '"espeak"' in lines[2]
    samples, _ = soundfile.read(tmp_path / "hello.wav")
    assert_audible(samples)


def test_the_wyoming_package_as_home_assistant_uses_it(wyoming_server: ServerProcess, tmp_path: Path) -> None:
    uri = wyoming_server.options.settings["wyoming"]
    said = run([sys.executable, "-W", "ignore", EXAMPLES / "wyoming_client.py", uri], tmp_path)
    assert re.search(r"\d{3} voices, \d+ of them English\n", said)
    samples, rate = soundfile.read(tmp_path / "wyoming_client.wav")
    assert f"{len(samples) / rate:.1f} s of audio" in said and len(samples) / rate > 2.0
    assert_audible(samples)


def test_the_engine_in_a_program_of_ones_own(tmp_path: Path) -> None:
    said = run([sys.executable, EXAMPLES / "python_api.py"], tmp_path).splitlines()
    assert re.fullmatch(r"espeak is healthy, with \d+ speakers", said[0])
    assert re.fullmatch(r"first audio after \d+ ms", said[1])
    with wave.open(str(tmp_path / "python_api.wav"), "rb") as reader:
        samples = np.frombuffer(reader.readframes(reader.getnframes()), "<i2") / 32768
        assert f"{len(samples) / reader.getframerate():.1f} s of audio" in said[2]
    assert_audible(samples)
    assert re.fullmatch(r"[\d.]+ s none [\d.]+ s", said[3])


@pytest.mark.parametrize("example", sorted(EXAMPLES.rglob("*.*")), ids=lambda path: path.name)
def test_an_example_is_short_and_has_a_test(example: Path) -> None:
    assert len(example.read_text(encoding="utf-8").splitlines()) <= 60
    tests = Path(__file__).parent.glob("test_*.py")
    assert any(example.name in path.read_text(encoding="utf-8") for path in tests)
