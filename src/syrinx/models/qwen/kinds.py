"""Names for torch's types, which only the model's own environment knows."""

from __future__ import annotations

from typing import Any, TypeAlias

Tensor: TypeAlias = Any
"""``torch.Tensor``"""
Device: TypeAlias = Any
"""``torch.device``"""
Dtype: TypeAlias = Any
"""``torch.dtype``"""
Chance: TypeAlias = Any
"""``torch.Generator``"""
