"""How fast each model was on this machine when it was last tried: kept in the data folder, for people to choose by."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "speeds.json"


@dataclass(frozen=True, slots=True)
class Trial:
    """One sentence, spoken by a warm model to one listener."""

    x_realtime: float
    """Seconds of audio a second."""
    first_audio_s: float
    """Until the first chunk."""


@dataclass(frozen=True, slots=True)
class Trials:
    """The last trial of each model."""

    data_dir: Path

    def read(self) -> Mapping[str, Trial]:
        """By model; what cannot be read was not tried."""
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            table = json.loads(self._path.read_text(encoding="utf-8"))
            return {
                name: Trial(float(said["x_realtime"]), float(said["first_audio_s"])) for name, said in table.items()
            }
        return {}

    def write(self, model: str, trial: Trial) -> None:
        """Note a trial."""
        table = {name: asdict(one) for name, one in {**self.read(), model: trial}.items()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(table), encoding="utf-8")
        part.replace(self._path)

    @property
    def _path(self) -> Path:
        return self.data_dir / FILE
