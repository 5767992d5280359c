"""Run by ``test_store``: change a store and be killed at the first step, then at the second, and so on to the last.

Usage: kill_at_every_step.py FOLDER create|delete|update|displace|replace. Leaves ``FOLDER/<n>/voices`` as the n-th
killed process left it, and prints the names of the steps as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from syrinx.voices.disk import Disk
from syrinx.voices.store import VoiceDraft, VoiceStore
from tests.voices.test_store import OTHER, PROMPT, WAV


def change(folder: Path, work: str, before: Callable[[str], None]) -> None:
    store = VoiceStore(folder, disk=Disk(before))
    old = store.all()[0].voice_id
    if work == "create":
        store.create(VoiceDraft("new"), PROMPT, WAV)
    elif work == "delete":
        store.delete(old)
    elif work == "update":
        store.update(old, name="new")
    elif work == "displace":
        store.create(VoiceDraft("new", alias="mine"), PROMPT, WAV, replace=True)
    else:
        store.replace_prompt(old, OTHER)


def with_one_voice(folder: Path) -> Path:
    VoiceStore(folder).create(VoiceDraft("old", alias="mine"), PROMPT, WAV)
    return folder


def main(root: Path, work: str) -> None:
    steps: list[str] = []
    change(with_one_voice(root / "whole" / "voices"), work, steps.append)
    for fatal in range(len(steps)):
        folder = with_one_voice(root / str(fatal) / "voices")
        child = os.fork()
        if child == 0:
            left = iter(range(fatal))

            def die_in_time(step: str, left: object = left) -> None:
                if next(left, None) is None:  # type: ignore[call-overload]
                    os.kill(os.getpid(), signal.SIGKILL)

            change(folder, work, die_in_time)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL, (fatal, status)
    sys.stdout.write(json.dumps(steps))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
