"""docs/settings.md says what the code does."""

from __future__ import annotations

from pathlib import Path

from syrinx.cli.settings_table import settings_page
from syrinx.config import FIELDS
from syrinx.founding import ALIASES

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_settings_page_is_up_to_date() -> None:
    said = PAGE.read_text(encoding="utf-8")
    assert said == settings_page(), "run: python -m syrinx.cli.settings_table > docs/settings.md"


def test_every_setting_and_every_alias_has_its_place_on_the_page() -> None:
    page = settings_page()
    assert [name for name in FIELDS if f"`SYRINX_{name.upper()}`" not in page] == []
    assert [alias.variable for alias in ALIASES if f"`{alias.variable}`" not in page] == []
