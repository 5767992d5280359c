"""``syrinx metrics``: which windows, and how they are shown."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from syrinx.cli.main import main
from syrinx.cli.metrics import PERIODS, Period, parse_periods
from syrinx.core.errors import InvalidRequest
from syrinx.store.address import address_of
from syrinx.store.database import open_database
from syrinx.store.jobs import insert_jobs
from syrinx.store.rows import JobRow


def row(age_s: float, outcome: str = "completed", ttfa_s: float | None = 0.1) -> JobRow:
    return JobRow(
        ended_at=time.time() - age_s,
        utterance_id="u",
        protocol="p",
        model="m",
        outcome=outcome,
        owner="",
        cached=False,
        ttfa_s=ttfa_s,
        audible_ttfa_s=ttfa_s,
        queue_s=0.0,
        wall_s=1.0,
        audio_s=10.0,
        audio_bytes=1,
        underruns=0,
        underrun_s=0.0,
        cancel_to_idle_s=None,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose database has utterances of a minute, two hours and four days ago."""

    async def fill() -> None:
        database = await open_database(address_of("", tmp_path))
        rows = [row(60), row(60, "canceled"), row(7200, ttfa_s=0.3), row(7200, "model_failed", None), row(4 * 86_400)]
        async with database.writing() as connection:
            await insert_jobs(connection, rows)
        await database.close()

    asyncio.run(fill())
    return tmp_path


def test_the_windows_are_those_of_the_first_server_unless_others_are_named() -> None:
    assert [period.name for period in parse_periods(PERIODS)] == ["1h", "6h", "12h", "24h", "3d"]
    assert parse_periods("30m, 2H,1d") == [Period("30m", 1800), Period("2H", 7200), Period("1d", 86_400)]


@pytest.mark.parametrize(
    "text", ["", "1", "h", "0h", "-1h", "1.5h", "1w", "1h,", "1h;2h", "٣h", "9" * 20 + "d", "9999999d"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is no period"):
        parse_periods(text)


def test_each_window_has_its_own_figures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "--data-dir", str(folder), "--periods", "30m,1d,5d", "--json"]) == 0
    near, day, all = json.loads(capsys.readouterr().out)
    assert [window["period"] for window in (near, day, all)] == ["30m", "1d", "5d"]
    assert [window["count"] for window in (near, day, all)] == [2, 4, 5]
    assert (near["canceled_rate"], day["failed_rate"]) == (0.5, 0.25)
    assert (near["ttfa_p50_s"], day["ttfa_p95_s"]) == (0.1, 0.3)
    assert (day["mean_rtf"], day["mean_xrt"], day["audio_s"]) == (0.1, 10.0, 40.0)


def test_people_get_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "--data-dir", str(folder), "--periods", "30m,1d"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["PERIOD", "ALL", "CANCELED", "FAILED"]
    assert lines[1].split()[:4] == ["30m", "2", "1", "(50.0%)"]
    assert lines[2].startswith("1d") and "0.1000" in lines[2]


def test_nothing_recorded_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "--data-dir", str(tmp_path)]) == 2
    assert "Nothing was recorded yet" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
