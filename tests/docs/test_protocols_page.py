"""docs/protocols/index.md says what the protocols declare, and every protocol's page is in it."""

from __future__ import annotations

from pathlib import Path

from syrinx.cli.protocols_table import protocols_page
from syrinx.protocols.abilities import EVERY

FOLDER = Path(__file__).parents[2] / "docs" / "protocols"


def test_the_page_is_up_to_date() -> None:
    said = (FOLDER / "index.md").read_text(encoding="utf-8")
    assert said == protocols_page(), "run: python -m syrinx.cli.protocols_table > docs/protocols/index.md"


def test_every_protocol_that_has_a_page_declares_itself() -> None:
    pages = {page.stem for page in FOLDER.glob("*.md")} - {"index"}
    assert pages == {abilities.page for abilities in EVERY}
