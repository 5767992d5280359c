"""Drawing the next token: temperature, nucleus and repetition penalty for many jobs at once, in torch.

The order is vLLM's: penalty, temperature, nucleus. The draw itself inverts the distribution at one uniform number a
job, taken from that job's own generator, so that no job depends on who else is in the batch.
"""

from __future__ import annotations

from typing import Any


def penalised(logits: Any, used: Any, penalty: Any) -> Any:
    """Hold back what was used. ``logits`` float32 (jobs, n); ``used`` bool (jobs, n); ``penalty`` (jobs, 1)."""
    import torch

    held_back = torch.where(logits > 0, logits / penalty, logits * penalty)
    return torch.where(used, held_back, logits)


def drawn(logits: Any, temperature: Any, top_p: Any, uniform: Any) -> Any:
    """Draw one place a job, int64 (jobs,). The other arguments are float32 (jobs, 1); ``uniform`` is in [0, 1)."""
    import torch

    likeliest = logits.argmax(-1)
    if not bool((temperature > 0).any()):
        return likeliest
    chances = (logits / temperature.clamp(min=1e-5)).softmax(-1)
    chances, places = torch.sort(chances, dim=-1, descending=True, stable=True)
    total = chances.cumsum(-1)
    chances = chances.masked_fill(total - chances >= top_p, 0.0)  # the one that crosses the bound is still in
    total = chances.cumsum(-1)
    chosen = (total <= uniform * total[:, -1:]).sum(-1, keepdim=True)
    last = (chances > 0).sum(-1, keepdim=True) - 1
    found = places.gather(-1, torch.minimum(chosen, last))[:, 0]
    return torch.where(temperature[:, 0] > 0, found, likeliest)
