"""The settings of a server that a command looks after without talking to it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syrinx.config import Settings


def settings_of(data_dir: Path | None, config: Path | None) -> Settings:
    """What a server with these flags and this environment would have. Raises ``ConfigError``."""
    from syrinx.config import read_settings

    return read_settings(os.environ, {"data_dir": data_dir}, config)
