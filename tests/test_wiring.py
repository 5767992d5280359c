"""Every setting of the engine and its models arrives where it is used."""

import math

import pytest

from syrinx.config import Settings, make_settings
from syrinx.core.errors import ConfigError, ModelNotFound
from syrinx.wiring import (
    AS_ASKED,
    Parts,
    build_engine,
    chosen_models,
    engine_policy,
    installed_here,
    max_lead_s,
    supervisor_policy,
)
from syrinx.workers.headstart import Held, may_start
from syrinx.workers.host import HostState
from syrinx.workers.meter import Speed


def chosen(**settings: object) -> dict[str, str]:
    made = make_settings(settings)
    return chosen_models(made, installed_here(made))


def parts(**settings: object) -> Parts:
    made = make_settings(settings)
    return Parts(made, installed_here(made))


def test_the_models_are_served_in_the_order_asked_for_each_once() -> None:
    served = chosen(models=("tone", "espeak", "tone"))
    assert served == {"tone": AS_ASKED, "espeak": AS_ASKED}


def test_auto_tells_what_it_chose_and_why() -> None:
    ((name, reason),) = chosen(models=("auto",)).items()
    assert name
    assert reason not in ("", AS_ASKED)


def test_an_unknown_model_stops_the_start() -> None:
    with pytest.raises(ModelNotFound, match="ghost"):
        chosen(models=("ghost",))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ghost": {}}, "no model 'ghost'"),
        ({"tone": {"x_realtme": 5}}, "Did you mean 'x_realtime'"),
        ({"tone": {"x_realtime": -1}}, "x_realtime"),
    ],
)
def test_wrong_model_options_stop_the_start_also_of_a_model_that_is_not_served(
    options: dict[str, dict[str, object]], words: str
) -> None:
    with pytest.raises(ConfigError, match=f"model_options: .*{words}"):
        build_engine(Settings(models=("espeak",), model_options=options))


def test_the_engines_share_of_the_settings_arrives_in_its_units() -> None:
    policy = engine_policy(
        Settings(
            max_concurrent_jobs=3,
            max_queued_requests=4,
            queue_wait_sla_ms=1500,
            avg_job_wall_ms=2000,
            first_segment_max_words=5,
            first_segment_boundaries=",",
            first_segment_require_boundary=False,
            voice_female="eva",
            voice_male="max",
            max_text_chars=99,
            target_ttfa_ms=150,
            opus_application="voip",
        )
    )
    admission, first = policy.admission, policy.first_piece
    assert (admission.max_running, admission.max_queued) == (3, 4)
    assert (admission.wait_sla_s, admission.initial_wall_s) == (1.5, 2.0)
    assert (first.max_words, first.boundaries, first.require_boundary) == (5, ",", False)
    assert (policy.voices.female, policy.voices.male) == ("eva", "max")
    assert (policy.max_text_chars, policy.target_ttfa_s, policy.opus_application) == (99, 0.15, "voip")


@pytest.mark.parametrize("wait_sla_ms", [1, 1000, 2000, 4000, 10_000])
@pytest.mark.parametrize("audio_s", [2.5, 8.0, 16.0])
def test_who_is_let_in_for_a_head_start_gets_it_from_a_worker_that_doubts(wait_sla_ms: int, audio_s: float) -> None:
    settings = Settings(queue_wait_sla_ms=wait_sla_ms)
    admission, worker = engine_policy(settings).admission, supervisor_policy(settings, "python").head_start
    assert 0 < admission.head_start_s <= admission.wait_sla_s
    speed = 1 / (1 + admission.head_start_s / audio_s)
    assert not may_start(Held(0.08, audio_s, 0.0, 0.08), Speed(speed, speed), worker)


def test_the_warm_up_is_what_the_settings_say() -> None:
    told = engine_policy(Settings(warmup_text="Hi.", warmup_language="de", warmup_on_startup=False)).warmup
    assert (told.text, told.language, told.on_startup) == ("Hi.", "de", False)
    assert engine_policy(Settings()).warmup.on_startup


def test_a_running_engine_gets_other_models_as_the_settings_describe_them() -> None:
    source = parts(model_options={"tone": {"x_realtime": 5}}, load_timeout_s=10).source()
    assert source.options["tone"] == {"x_realtime": 5}
    assert source.load_timeout_s > 10  # the host's own limit comes first and says more
    host = source.make("tone", {"x_realtime": 7})
    assert (host.name, host.status.state) == ("tone", HostState.STOPPED)
    with pytest.raises(ModelNotFound):
        source.make("ghost", {})
    with pytest.raises(ConfigError, match="Did you mean"):
        source.make("tone", {"x_realtme": 7})


def test_no_lead_setting_means_no_limit() -> None:
    assert max_lead_s(Settings(max_lead_s=0)) == math.inf
    assert max_lead_s(Settings(max_lead_s=12)) == 12


def test_nothing_runs_before_the_start() -> None:
    assert parts().host("tone").status.state is HostState.STOPPED
    engine = build_engine(Settings(models=("tone",)))
    assert not engine.ready
    assert [(model.name, model.info, model.is_default) for model in engine.models()] == [("tone", None, True)]
