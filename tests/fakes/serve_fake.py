"""``serve`` with a fake engine, for tests that send signals to a process. Usage: serve_fake.py DATA_DIR [HOST]"""

from __future__ import annotations

import sys
from pathlib import Path

from syrinx.config import Settings
from syrinx.server.run import serve
from tests.fakes.engine import FakeEngine

settings = Settings(data_dir=Path(sys.argv[1]), port=0, drain_timeout_s=30, api_key="sesame")
sys.exit(serve(settings, lambda settings, observer, *, cache: FakeEngine().as_engine()))
