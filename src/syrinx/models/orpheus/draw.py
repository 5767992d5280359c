"""Drawing the next token: temperature, nucleus and repetition penalty for many jobs at once, in torch.

The order is vLLM's: penalty, temperature, nucleus. The draw is a race: each chance is divided by a random number of the
token's own, and the highest wins. Those numbers come from the job's own generator, and rounding that differs with the
size of a batch hardly ever changes the winner, so a seeded job says the same in any company.
"""

from __future__ import annotations

from typing import Any


def penalised(logits: Any, used: Any, penalty: Any) -> Any:
    """Hold back what was used. ``logits`` float32 (jobs, n); ``used`` bool (jobs, n); ``penalty`` (jobs, 1)."""
    import torch

    held_back = torch.where(logits > 0, logits / penalty, logits * penalty)
    return torch.where(used, held_back, logits)


def drawn(logits: Any, temperature: Any, top_p: Any, race: Any) -> Any:
    """Draw one place a job, int64 (jobs,). ``temperature`` and ``top_p`` are float32 (jobs, 1).

    ``race`` has exponential numbers in the shape of ``logits``.
    """
    import torch

    chances = (logits / temperature.clamp(min=1e-5)).softmax(-1)
    falling = torch.sort(chances, dim=-1, descending=True)[0]
    inside = falling.cumsum(-1) - falling < top_p  # the one that crosses the bound is still in
    least = falling.gather(-1, inside.sum(-1, keepdim=True) - 1)
    winners = (chances.masked_fill(chances < least, 0.0) / race).argmax(-1)
    return torch.where(temperature[:, 0] > 0, winners, logits.argmax(-1))
