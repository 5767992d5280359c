"""litellm, unmodified, with the URL of this server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clients.frameworks import HERE, run_in
from tests.fakes.server_process import ServerPool


@pytest.fixture(scope="module")
def seen(servers: ServerPool) -> dict[str, Any]:
    return json.loads(run_in("litellm", HERE / "litellm_speech.py", servers.get(("tone",)).url).splitlines()[-1])


def test_the_name_behind_the_slash_is_the_model(seen: dict[str, Any]) -> None:
    assert seen["served_by"] == "tone" and seen["head"] == "RIFF"


def test_the_async_call_speaks_at_the_speed_asked_for(seen: dict[str, Any]) -> None:
    assert seen["pcm_bytes"] / 2 / 24_000 == pytest.approx(len("Hello there, all of you.") * 0.065 / 2, abs=0.2)


def test_refusals_are_its_own_typed_errors(seen: dict[str, Any]) -> None:
    assert (seen["no_model"]["kind"], seen["no_model"]["status"]) == ("NotFoundError", 404)
    assert (seen["no_voice"]["kind"], seen["no_voice"]["status"]) == ("BadRequestError", 400)
    assert "nothing" in seen["no_model"]["words"] and "nobody" in seen["no_voice"]["words"]
