"""``syrinx prefetch``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from syrinx.models.fetch import Places

DONE = "PREFETCH_MODELS_OK"
"""The last line where all went well, which scripts look for."""


def prefetch(
    *,
    data_dir: Annotated[Path | None, Parameter(help="Folder of voices, models, caches and logs (.data).")] = None,
    custom_only: Annotated[bool, Parameter(help="Only Qwen3-TTS with ready-made voices.")] = False,
    base_only: Annotated[bool, Parameter(help="Only Qwen3-TTS that clones voices.")] = False,
    kyutai_only: Annotated[bool, Parameter(help="Only Kyutai Pocket TTS.")] = False,
) -> int:
    """Fetch the models of the desktop sidecar into the data folder (all three: about 8 GB)."""
    import os

    from syrinx.config import read_settings
    from syrinx.core.errors import InvalidRequest
    from syrinx.models.fetch import MODES, Places

    only = [
        mode
        for mode, asked in (("qwen_custom", custom_only), ("qwen_base", base_only), ("kyutai", kyutai_only))
        if asked
    ]
    if len(only) > 1:
        raise InvalidRequest("--custom-only, --base-only and --kyutai-only exclude each other.")
    settings = read_settings(os.environ, {"data_dir": data_dir})
    places = Places(settings.data_dir, settings.hub_cache_dir)
    print(f"data_dir={places.data_dir.absolute()}")
    print(f"models_dir={places.models}")
    print(f"hf_cache_dir={places.cache}", flush=True)
    for repo in MODES[only[0] if only else "all"]:
        _fetch(repo, places)
    print(DONE)
    return 0


def _fetch(repo: str, places: Places) -> None:
    import os
    import subprocess

    from syrinx.models.fetch import command, environment, outcome

    print(f"downloading={repo}", flush=True)
    done = subprocess.run(
        command(repo, places),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=environment(places, os.environ),
        check=False,
    )
    print(f"saved_to={outcome(repo, done.stdout)}", flush=True)
