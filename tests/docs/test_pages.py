"""The README and the pages that show commands are true: every console block is run, every link leads somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from tests.docs.console import Step, blocks_of, run_step, steps_of
from tests.fakes.server_process import ServerProcess

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, ROOT / "docs" / "quickstart.md", ROOT / "docs" / "cli.md", ROOT / "docs" / "voices.md"]
EVERY_PAGE = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_the_page_gives_what_is_shown(page: Path, server: ServerProcess, tmp_path: Path) -> None:
    steps = steps_of(page.read_text(encoding="utf-8"))
    assert steps, "the page shows no command"
    for step in steps:
        output = run_step(step, tmp_path, server.url)
        assert step.matches(output), f"$ {step.command}\n--- shown\n{step.shown}\n--- given\n{output}"


def test_the_files_that_the_readme_makes_hold_sound(server: ServerProcess, tmp_path: Path) -> None:
    for step in steps_of(README.read_text(encoding="utf-8")):
        if " -o " in step.command:
            run_step(step, tmp_path, server.url)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["guten-tag.mp3", "hello.opus", "hello.wav"]
    for name in files:
        samples, _ = soundfile.read(tmp_path / name)
        assert abs(samples).max() > 0.01


def test_every_python_block_of_the_readme_runs(server: ServerProcess, tmp_path: Path) -> None:
    blocks = blocks_of(README.read_text(encoding="utf-8"), "python")
    printed = [run_python(block.replace("http://127.0.0.1:8000", server.url), tmp_path) for block in blocks]
    assert len(printed) == 2
    assert "bytes to play" in printed[1]
    assert soundfile.info(tmp_path / "spoken.wav").samplerate > 0


def run_python(code: str, folder: Path) -> str:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose)
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_every_page_can_be_found_from_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))]
    listed = set(re.findall(r"\]\(([^)#\s]+\.md)", index))
    folders = {link.rstrip("/") for link in re.findall(r"\]\(([^)#\s]+/)\)", index)}
    assert [
        page
        for page in pages
        if page != "index.md" and page not in listed and Path(page).parent.as_posix() not in folders
    ] == []


@pytest.mark.parametrize(
    ("shown", "output", "same"),
    [
        ("a ... c", "a b c", True),
        ("a", "a", True),
        ("a", "a b", False),
        ("...", "anything\nat all", True),
        ("1.5 s", "1x5 s", False),
    ],
)
def test_dots_stand_for_anything_and_all_else_for_itself(shown: str, output: str, same: bool) -> None:
    assert Step("x", shown).matches(output) is same


def test_the_index_leads_to_every_page() -> None:
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text(encoding="utf-8")
    pages = [page.relative_to(docs).as_posix() for page in docs.rglob("*.md")]
    assert [page for page in pages if page != "index.md" and f"]({page})" not in index] == []
