"""Speech Dispatcher as Debian ships it, with the module of ``deploy/``, asked by its own client ``spd-say``."""

from __future__ import annotations

import asyncio
import io
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from tests.e2e.probe import ended, idle, running, until
from tests.fakes.dispatcher import MODULE, Dispatcher, dispatcher, wait_for
from tests.fakes.server_process import ServerPool, ServerProcess

TEXT = 'It\'s <b>all</b> $HOME `here`, and "quoted" | too.'


@contextmanager
def speaking_through(url: str) -> Iterator[Dispatcher]:
    if any(shutil.which(name) is None for name in ("speech-dispatcher", "spd-say", "curl")):
        pytest.skip("needs the packages speech-dispatcher and curl")
    # a socket's path is short
    with tempfile.TemporaryDirectory(prefix="spd-") as folder, dispatcher(Path(folder), url) as one:
        yield one


@pytest.fixture(scope="module")
def espeak(server: ServerProcess) -> Iterator[Dispatcher]:
    with speaking_through(server.url) as one:
        yield one


def seconds(wav: bytes) -> float:
    samples, rate = soundfile.read(io.BytesIO(wav))
    assert np.abs(samples).max() > 0.01
    return len(samples) / rate


def test_it_speaks_what_a_shell_would_stumble_over(espeak: Dispatcher) -> None:
    assert seconds(espeak.spoken(TEXT)) > 1.5


def test_the_rate_is_a_speed(espeak: Dispatcher) -> None:
    lengths = {
        rate: seconds(espeak.spoken("-r", rate, "How fast is this spoken, then?")) for rate in ("-50", "0", "100")
    }
    assert lengths["-50"] == pytest.approx(2 * lengths["0"], rel=0.1)
    assert lengths["100"] == pytest.approx(lengths["0"] / 4, rel=0.25)


def test_the_volume_is_heard(espeak: Dispatcher) -> None:
    levels = {
        volume: np.abs(soundfile.read(io.BytesIO(espeak.spoken("-i", volume, "How loud?")))[0]).max()
        for volume in ("0", "100")
    }
    assert levels["100"] == pytest.approx(2 * levels["0"], rel=0.1)


def test_its_voices_are_listed_and_each_is_one_of_the_servers(espeak: Dispatcher, server: ServerProcess) -> None:
    listed = espeak.say("-o", "syrinx", "-L").splitlines()[1:]
    shipped = re.findall(r'^AddVoice "(\w+)" "(\w+)" "(\w+)"', MODULE.read_text(), re.MULTILINE)
    assert [tuple(line.split()) for line in listed] == [(name, language, kind) for language, kind, name in shipped]


def directly(server: ServerProcess, voice: str, text: str) -> httpx.Response:
    """What the module asks for where nothing is set."""
    how = {"voice": voice, "speed": "1.000", "pitch": "1.000", "volume": "0.50"}
    return httpx.post(server.url, params=how, content=text, trust_env=False, timeout=60.0)


@pytest.mark.parametrize(
    ("arguments", "voice"),
    [
        (("-l", "de"), "de"),
        (("-l", "pt-BR"), "pt"),
        (("-l", "zh"), "zh"),
        (("-t", "female1", "-l", "en"), "female"),
        (("-y", "nova"), "nova"),
        (("-l", "zu"), "default"),
    ],
)
def test_voices_are_chosen_by_language_kind_and_name(
    espeak: Dispatcher, server: ServerProcess, arguments: tuple[str, ...], voice: str
) -> None:
    text = "Grüße 你好, one and two."
    assert espeak.spoken(*arguments, text) == directly(server, voice, text).content


def test_espeak_has_every_voice_that_the_module_names(server: ServerProcess) -> None:
    names = re.findall(r'^AddVoice "\w+" "\w+" "(\w+)"', MODULE.read_text(), re.MULTILINE)
    assert [name for name in names if directly(server, name, "1").status_code != 200] == []


def test_a_message_without_a_sound_is_no_failure(espeak: Dispatcher) -> None:
    espeak.say("--wait", "...")
    assert seconds(espeak.spoken("Still here.")) > 0.3


def test_stop_ends_the_player_and_the_model(servers: ServerPool) -> None:
    tone = servers.get(("tone",))
    canceled = ended(tone, "canceled")
    with speaking_through(tone.url) as one:
        (one.played / "stall").touch()
        one.say("{{long 3000}}")
        wait_for(lambda: list(one.played.glob("*.stalled")))
        assert running(tone) == 1
        one.say("-S")
        asyncio.run(idle(tone))
        asyncio.run(until(lambda: ended(tone, "canceled") == canceled + 1, "the cancel"))
        (one.played / "stall").unlink()
        assert seconds(one.spoken("{{long 1}}")) == pytest.approx(1.0, abs=0.05)
