"""What every test may use: a real server in a process of its own, and the rule that `.ci/run` allows no skips."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:  # a model's environment has nothing of what servers need
    from tests.fakes.postgres import Postgres
    from tests.fakes.server_process import ServerPool, ServerProcess

SLOW_FOLDERS = ("api", "cli", "conformance", "server", "clients", "docs", "examples", "web", "e2e")
"""Run after all others, in this order, so that a broken unit is reported before a minute of servers."""

NEURAL = Path(__file__).parent / "neural"

settings.register_profile("syrinx", deadline=None)  # no test depends on how fast a machine is
settings.load_profile("syrinx")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Models are tested in their own environments: ``make test-models``."""
    return True if collection_path == NEURAL and not os.environ.get("SYRINX_TEST_MODEL") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_slowness)


def _slowness(item: pytest.Item) -> int:
    folder = item.path.parent.name
    return SLOW_FOLDERS.index(folder) + 1 if folder in SLOW_FOLDERS else 0


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With ``REQUIRE_ALL_TESTS=1`` a run in which anything was skipped fails."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("REQUIRE_ALL_TESTS") == "1" and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("\nREQUIRE_ALL_TESTS=1: skipped tests count as failures.", red=True)
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerPool]:
    """Real servers by their settings; each distinct set is started once and lives to the end of the run."""
    from tests.fakes.server_process import ServerPool

    pool = ServerPool(tmp_path_factory.mktemp("servers"))
    try:
        yield pool
    finally:
        pool.close()


@pytest.fixture(scope="session")
def server(servers: ServerPool) -> ServerProcess:
    """A real server with espeak (the default model) and tone, open to every local client."""
    return servers.get(models=("espeak", "tone"))


@pytest.fixture(scope="session")
def wyoming_server(servers: ServerPool) -> ServerProcess:
    """One that speaks Wyoming too, at the address in its settings."""
    from tests.fakes.server_process import free_port

    return servers.get(("espeak", "tone"), wyoming=f"tcp://127.0.0.1:{free_port()}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real Postgres server, which every test may stop and start; each makes a database of its own in it."""
    from tests.fakes.postgres import Postgres

    folder = Path(tempfile.mkdtemp(prefix="syrinx-postgres-"))  # pytest's folders let no other user in
    with Postgres(folder) as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Attach the log of every server that a failed test was given."""
    report = yield
    if call.excinfo is not None and report.failed:
        given = getattr(item, "funcargs", {}).values()
        report.sections.extend((f"log of {one.url}", one.log_tail()) for one in given if hasattr(one, "log_tail"))
    return report
