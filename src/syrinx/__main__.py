"""``python -m syrinx``: the same as the ``syrinx`` command."""

from __future__ import annotations

import sys

from syrinx.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
