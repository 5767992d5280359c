"""``syrinx say`` and ``syrinx doctor`` with a real engine: from the command line to sound."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.fakes.server_process import ServerProcess

LONGEST_S = 60.0


def syrinx(*arguments: str, folder: Path, stdin: bytes = b"", **variables: str) -> subprocess.CompletedProcess[bytes]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SYRINX_")} | variables
    command = [sys.executable, "-m", "syrinx", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environ, input=stdin, capture_output=True, timeout=LONGEST_S, check=False
    )


@pytest.mark.parametrize("suffix", ["wav", "mp3", "opus", "flac"])
def test_a_file_holds_what_was_said(suffix: str, tmp_path: Path) -> None:
    done = syrinx("say", "Hello there.", "-o", f"hello.{suffix}", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert b"s of audio" in done.stderr
    samples, rate = soundfile.read(tmp_path / f"hello.{suffix}")
    assert 0.5 < len(samples) / rate < 3.0
    assert np.abs(samples).max() > 0.01
    assert [path.name for path in tmp_path.iterdir()] == [f"hello.{suffix}"]


def test_standard_input_is_spoken_to_standard_output(tmp_path: Path) -> None:
    done = syrinx("say", "-", "-o", "-", "--format", "wav", folder=tmp_path, stdin=b"One. Two. Three.")
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    assert len(done.stdout) > 20_000 and done.stdout[:4] == b"RIFF"


def test_speed_shortens_and_volume_softens(tmp_path: Path) -> None:
    def spoken(*options: str) -> np.ndarray:
        done = syrinx("say", "Hello there, my friend.", "-o", "-", "--format", "wav", *options, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return np.frombuffer(done.stdout[44:], "<i2")

    plain, fast, soft = spoken(), spoken("--speed", "2"), spoken("--volume", "0.25")
    assert len(fast) < 0.7 * len(plain)
    assert np.abs(soft.astype(int)).max() < 0.5 * np.abs(plain.astype(int)).max()


def test_a_server_can_be_used_instead(server: ServerProcess, tmp_path: Path) -> None:
    done = syrinx("say", "Hello there.", "--url", server.url, "-o", "hello.wav", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    samples, rate = soundfile.read(tmp_path / "hello.wav")
    assert 0.5 < len(samples) / rate < 3.0


def test_a_server_is_asked_for_pitch_too(server: ServerProcess, tmp_path: Path) -> None:
    def seconds(*options: str) -> float:
        done = syrinx("say", "Hello there.", "--url", server.url, "-o", "x.wav", *options, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return soundfile.info(tmp_path / "x.wav").duration

    assert abs(seconds("--pitch", "1.5") / seconds() - 1) < 0.05


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--voice", "zork"], b"zork"),
        (["--model", "zork"], b"zork"),
        (["--language", "not a tag"], b"tag"),
    ],
)
def test_a_server_that_cannot_is_told_in_one_line(
    arguments: list[str], said: bytes, server: ServerProcess, tmp_path: Path
) -> None:
    done = syrinx("say", "Hello.", "--url", server.url, "-o", "hello.wav", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr and done.stderr.count(b"\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_no_server_at_all_is_told_by_its_address(tmp_path: Path) -> None:
    done = syrinx("say", "Hello.", "--url", "http://127.0.0.1:9", "-o", "hello.wav", folder=tmp_path)
    assert done.returncode == 1
    assert b"No server could be reached at http://127.0.0.1:9" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "said"),
    [
        (["--voice", "zork", "Hello."], b"", 2, b"zork"),
        (["--model", "zork", "Hello."], b"", 2, b"zork"),
        ([], b"", 2, b"nothing"),
        ([], b"\xff\xfe", 2, b"UTF-8"),
        (["--model", "tone", "Hello. {{error}}"], b"", 1, b""),
        (["--model", "tone", "Hello. {{crash}}"], b"", 1, b""),
    ],
)
def test_what_cannot_be_spoken_leaves_one_line_and_no_file(
    arguments: list[str], stdin: bytes, status: int, said: bytes, tmp_path: Path
) -> None:
    done = syrinx("say", *arguments, "-o", "hello.wav", folder=tmp_path, stdin=stdin)
    assert done.returncode == status, done.stderr
    assert said in done.stderr and b"Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(b"syrinx: ")
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_finds_that_this_machine_can_speak(tmp_path: Path) -> None:
    done = syrinx("doctor", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    findings = {finding["subject"]: finding for finding in json.load(io.BytesIO(done.stdout))}
    assert findings["speech"]["ok"] and "espeak spoke" in findings["speech"]["detail"]
    assert {"python", "cores", "model espeak", "format opus", "loudspeaker", "port", "data folder"} <= set(findings)
    assert all(finding["needs"] for finding in findings.values() if not finding["ok"])


def test_the_doctor_says_what_is_wrong_when_it_cannot_speak(tmp_path: Path) -> None:
    done = syrinx("doctor", folder=tmp_path, SYRINX_MODELS="zork")
    assert done.returncode == 1
    assert b"There is no model 'zork'" in done.stdout


def test_a_taken_port_is_found(server: ServerProcess, tmp_path: Path) -> None:
    done = syrinx("doctor", "--json", folder=tmp_path, SYRINX_PORT=str(server.port))
    port = next(finding for finding in json.loads(done.stdout) if finding["subject"] == "port")
    assert not port["ok"] and "--port" in port["needs"]
