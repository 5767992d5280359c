"""The error tree: stable codes, documented shape, sentences for people."""

from __future__ import annotations

import inspect
import re

import pytest

from syrinx.core import errors
from syrinx.core.errors import InvalidRequest, Overloaded, SyrinxError, TextTooLong

TREE = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, SyrinxError)]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in TREE]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


def test_the_module_head_shows_the_tree_as_it_is() -> None:
    shown = re.findall(r"^\s*[│├└─ ]*(\w+)(?:  .*)?$", (errors.__doc__ or "").split("\n\n")[1], re.MULTILINE)
    assert shown == _depth_first(SyrinxError)


def _depth_first(kind: type[SyrinxError]) -> list[str]:
    children = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    return [kind.__name__, *(name for child in children for name in _depth_first(child))]


def test_only_errors_that_time_can_heal_are_retryable() -> None:
    retryable = {kind.__name__ for kind in TREE if kind.retryable}
    assert retryable == {"Overloaded", "ModelNotReady", "ModelFailed", "WorkerLost", "RunawayStopped"}


def test_an_instance_may_narrow_its_code_without_changing_the_class() -> None:
    assert InvalidRequest("Not JSON.", code="bad_json").code == "bad_json"
    assert InvalidRequest("Wrong.").code == "invalid_request"


def test_a_text_over_its_limit_tells_both_figures_and_the_field() -> None:
    error = TextTooLong(150, 151, "words", param="input")
    assert str(error) == "The text has 151 words; the limit is 150."
    assert (error.limit, error.got, error.unit, error.param) == (150, 151, "words", "input")


def test_an_overload_carries_the_expected_wait() -> None:
    assert Overloaded("Busy.", retry_after_s=1.5).retry_after_s == 1.5


@pytest.mark.parametrize("kind", [k for k in TREE if k not in (TextTooLong, Overloaded)])
def test_the_text_of_an_error_is_its_message(kind: type[SyrinxError]) -> None:
    assert str(kind("It is so.")) == "It is so."
