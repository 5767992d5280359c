"""``python -m syrinx.workers``: the entry of a worker process."""

import sys

from .main import main

sys.exit(main())
