"""What the tests of a server with a model of an environment share. ``SYRINX_TEST_SERVED`` is the folder that ``run.py``
prepared: ``environments/`` and ``options.json``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.e2e.talk import DELTA, Talk, audio
from tests.fakes.server_process import ServerOptions, ServerProcess

SERVED = Path(os.environ["SYRINX_TEST_SERVED"])
NEURAL = Path(__file__).resolve().parents[1]
OPTIONS: dict[str, dict[str, Any]] = json.loads((SERVED / "options.json").read_text(encoding="utf-8"))
"""By model."""
READY_S = 240.0
"""Longest wait for a model's libraries to be imported, on a loaded machine with two cores."""
TEXT = "The boats are out past the lighthouse. "


def server_of(folder: Path, models: tuple[str, ...], options: dict[str, Any], **settings: Any) -> ServerProcess:
    """A server on a data folder whose environments are those of the run."""
    told = {"model_options": options, "warmup_on_startup": 0, **settings}
    made = ServerProcess(ServerOptions(models, told, variables_of(options), ready_wait_s=READY_S), folder)
    made.data_dir.mkdir(parents=True)
    (made.data_dir / "environments").symlink_to(SERVED / "environments", target_is_directory=True)
    return made


def variables_of(models: Iterable[str]) -> dict[str, str]:
    """The variables of a server with these models."""
    folders = [NEURAL / name.replace("-", "_") / "served" for name in models]
    path = os.pathsep.join(str(folder) for folder in folders if folder.is_dir())
    return {"PYTHONPATH": path} if path else {}


async def first_sound(client: Talk, name: str, model: str, text: str = TEXT) -> None:
    """Ask, and hear the first of it: more than the silence that streams begin with."""
    await client.create(name, text, model=model)
    heard = await client.hear_first(DELTA, READY_S)
    while not audio(heard).strip(b"\0"):
        heard += await client.hear_first(DELTA, READY_S)
