"""Names for the library's types, which the server's environment does not have."""

from __future__ import annotations

from typing import Any

Tensor = Any
"""``torch.Tensor``."""
Generator = Any
"""``torch.Generator``."""
Device = Any
"""``torch.device``."""
Dtype = Any
"""``torch.dtype``."""
