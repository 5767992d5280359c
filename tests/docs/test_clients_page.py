"""docs/clients.md leaves no protocol out, and says of each client what to change and what works."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "clients.md").read_text(encoding="utf-8")


def test_every_protocol_has_a_client_on_the_page() -> None:
    linked = set(re.findall(r"\]\(protocols/([\w-]+)\.md", PAGE))
    assert {page.stem for page in (DOCS / "protocols").glob("*.md")} - linked == set(), "add a row for its clients"


def test_every_row_says_what_to_change_and_what_works() -> None:
    rows = [line.strip("| \n").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
    head, *clients = rows
    assert head[:3] == ["client", "the one line to change", "works"] and len(clients) >= 15
    assert [row[0] for row in clients if len(row) < 3 or not all(row[:3])] == []
