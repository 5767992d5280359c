"""A real Speech Dispatcher with the module that ``deploy/`` ships, and a player that keeps what it is given."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

MODULE = Path(__file__).parents[2] / "deploy" / "speech-dispatcher" / "syrinx.conf"
WAIT_S = 30.0
T = TypeVar("T")

PLAYER = """#!/bin/sh
# Stands for aplay: keeps all that comes, or, where a file says so, only its beginning, and never ends then.
mine="$PLAYED/$$"
if [ -e "$PLAYED/stall" ]; then
  head -c 1000 >"$mine.part"
  touch "$mine.stalled"
  exec tail -f /dev/null
fi
cat >"$mine.part"
[ -s "$mine.part" ] || exit 1
mv "$mine.part" "$mine.wav"
"""
SPEECHD = """
AudioOutputMethod "alsa"
AddModule "syrinx" "sd_generic" "syrinx.conf"
DefaultModule "syrinx"
"""
SILENT_CARD = "pcm.default { type null }\nctl.default { type null }\n"
"""ALSA's own null device: no machine that runs tests has a sound card."""


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """A running one."""

    played: Path
    environ: dict[str, str]

    def say(self, *arguments: str) -> str:
        """Run ``spd-say`` and return what it printed."""
        command = ["spd-say", *arguments]
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=WAIT_S, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def spoken(self, *arguments: str) -> bytes:
        """Say something, wait until it was, and return what was played."""
        before = set(self.played.glob("*.wav"))
        self.say("--wait", *arguments)
        (new,) = wait_for(lambda: list(set(self.played.glob("*.wav")) - before))
        return new.read_bytes()


@contextmanager
def dispatcher(folder: Path, url: str) -> Iterator[Dispatcher]:
    """Run one over the server at ``url`` until the block ends."""
    environ = prepared(folder, url)
    sock = folder / "socket"
    command = ["speech-dispatcher", "-s", "-t", "0", "-c", "unix_socket", "-S", str(sock)]
    command += ["-C", str(folder / "conf"), "-P", str(folder / "pid"), "-L", str(folder / "log")]
    with (folder / "out").open("wb") as out:
        running = subprocess.Popen(command, env=environ, stdout=out, stderr=out, start_new_session=True)
    try:
        wait_for(lambda: sock.exists() or running.poll() is not None)
        assert running.poll() is None, (folder / "out").read_text(errors="replace")
        yield Dispatcher(folder / "played", environ)
    finally:
        running.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(WAIT_S)
        running.kill()


def prepared(folder: Path, url: str) -> dict[str, str]:
    """Write its configuration; return the variables to run it and its client with."""
    for name in ("conf/modules", "bin", "log", "played"):
        (folder / name).mkdir(parents=True)
    shutil.copy(MODULE, folder / "conf" / "modules")
    (folder / "conf" / "speechd.conf").write_text(SPEECHD)
    (folder / "asound.conf").write_text(SILENT_CARD)
    player = folder / "bin" / "aplay"
    player.write_text(PLAYER)
    player.chmod(0o755)
    return {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "ALSA_CONFIG_PATH": str(folder / "asound.conf"),
        "SPEECHD_ADDRESS": f"unix_socket:{folder / 'socket'}",
        "SYRINX_URL": url,
        "PLAYED": str(folder / "played"),
    }


def wait_for(found: Callable[[], T]) -> T:
    """Return what ``found()`` gives as soon as it is true."""
    deadline = time.monotonic() + WAIT_S
    while not (what := found()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
    return what
