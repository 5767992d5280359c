"""T3's Llama as it is computed here, against transformers' own forward on the same weights."""

from __future__ import annotations

from typing import Any

import pytest

from syrinx.models.chatterbox.backbone import ROOM, Rows

from .case import loaded_once, options
from .weights import shrink

TOLERANCE = 1e-4
"""Of outputs of about 1, in float32: products that are laid together add up in another order."""
HEADS = [(1, 0), (0, 1)]


def llama(variant: str = "english") -> tuple[Any, Any]:
    """Our layers, and the module that they are of."""
    chosen = options(variant)
    shrink(variant)
    loaded = loaded_once(chosen)
    assert loaded.backbone is not None
    return loaded.backbone, loaded.t3.tfmr


@pytest.mark.parametrize("variant", ["english", "multilingual"])
@pytest.mark.parametrize("rows", [1, 2])
def test_it_gives_what_the_librarys_network_gives_beyond_the_room_it_began_with(variant: str, rows: int) -> None:
    import torch

    backbone, module = llama(variant)
    inputs = torch.randn(rows, ROOM + 60, 64, generator=torch.Generator().manual_seed(4))
    begun = ROOM - 20
    with torch.inference_mode():
        whole = module(inputs_embeds=inputs).last_hidden_state
        ours = Rows(backbone, rows)
        outputs = [ours.go_on(inputs[:, :begun])]
        outputs += [ours.go_on(inputs[:, n : n + 1]) for n in range(begun, inputs.shape[1])]
    difference = torch.stack(outputs, dim=1) - whole[:, begun - 1 :]
    assert whole.std() > 0.1 and difference.abs().max() < TOLERANCE


def test_attention_is_that_of_the_heads_that_were_asked_for() -> None:
    import torch

    backbone, module = llama()
    inputs = torch.randn(2, 9, 64, generator=torch.Generator().manual_seed(5))
    kind = module.config._attn_implementation
    with torch.inference_mode():
        try:
            module.set_attn_implementation("eager")
            wanted = module(inputs_embeds=inputs, output_attentions=True).attentions
        finally:
            module.set_attn_implementation(kind)
        ours = Rows(backbone, 2, HEADS)
        ours.go_on(inputs[:, :7])
        before = ours.attention
        ours.go_on(inputs[:, 7:8])
        ours.go_on(inputs[:, 8:9])
    for first, then, (layer, head) in zip(before, ours.attention, sorted(HEADS), strict=True):
        assert torch.allclose(first, wanted[layer][0, head, :7, :7], atol=TOLERANCE)
        assert torch.allclose(then, wanted[layer][0, head, 8:], atol=TOLERANCE)


def test_the_librarys_module_keeps_its_weights_and_shares_them() -> None:
    backbone, module = llama()
    attention, layer = module.layers[0].self_attn, backbone.layers[0]
    assert attention.q_proj.weight.data_ptr() == layer.qkv.data_ptr()
    assert (attention.v_proj.weight == layer.qkv[-64:]).all()
