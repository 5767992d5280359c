"""Which jobs the cache is for, and who may listen to whose."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from syrinx.core.types import ServiceClass
from syrinx.workers.caching.policy import Mode, Under, is_wanted, may_listen
from syrinx.workers.host import JobTerms
from tests.fakes.host import INFO

BULK = ServiceClass.BULK
TERMS = JobTerms("line")


@pytest.mark.parametrize(
    ("mode", "sampled", "asked", "wanted"),
    [
        ("auto", False, None, True),
        ("auto", True, None, False),
        ("auto", True, True, True),
        ("auto", False, False, False),
        ("all", True, None, True),
        ("all", True, False, False),
        ("off", False, None, False),
        ("off", False, True, False),
    ],
)
def test_the_setting_the_model_and_the_request_decide(
    mode: Mode, sampled: bool, asked: bool | None, wanted: bool
) -> None:
    assert is_wanted(mode, replace(INFO, sampled=sampled), asked) is wanted


@pytest.mark.parametrize(
    ("blocked", "begun", "under", "asking", "allowed"),
    [
        (False, False, {}, {}, True),
        (False, True, {}, {"service_class": BULK}, True),
        (True, False, {}, {}, False),
        (True, True, {}, {}, True),
        (False, True, {"service_class": BULK}, {}, False),
        (False, True, {"service_class": BULK}, {"service_class": BULK}, True),
        (False, True, {"max_lead_s": 3.0}, {"max_lead_s": math.inf}, False),
        (False, True, {"max_lead_s": math.inf}, {"max_lead_s": 3.0}, True),
        (False, True, {"playback_rate": 0.5}, {"playback_rate": 2.0}, False),
        (False, True, {"playback_rate": 2.0}, {"playback_rate": 1.0}, True),
    ],
)
def test_nobody_listens_to_a_job_that_would_serve_him_worse(
    blocked: bool, begun: bool, under: dict[str, Any], asking: dict[str, Any], allowed: bool
) -> None:
    assert may_listen(Under(replace(TERMS, **under), begun, blocked), replace(TERMS, **asking)) is allowed
