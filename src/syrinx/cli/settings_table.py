"""``docs/settings.md`` from the settings themselves: ``python -m syrinx.cli.settings_table > docs/settings.md``."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from syrinx.config import FIELDS, PREFIX
from syrinx.founding import ALIASES, SYSTEMS, Alias

INTRODUCTION = """\
# Settings

Every setting `x` can be given in three ways; where several are, the later in this list wins (of `model_options`,
option by option):

1. `x = ...` in a TOML file, named by `syrinx serve --config FILE` or `SYRINX_CONFIG`;
2. the environment variable `SYRINX_X`, or one of the founding systems' variables in the last column
   (`SYRINX_X` wins over those);
3. a flag of `syrinx serve`, for the few that have one (`--host`, `--port`, `--wyoming`, `--model`, `--data-dir`).

An unknown `SYRINX_*` name, an unknown name in the file or a value out of range stops the start with exit code 2 and a
message that names it. In variables, lists are written with commas and tables as JSON; on and off are `1` and `0`.

```toml
# syrinx.toml
models = ["espeak", "tone"]
port = 9000

[model_options.tone]
x_realtime = 10
```

This page is made from the code by `python -m syrinx.cli.settings_table`, and a test keeps it true.

"""


def settings_page() -> str:
    """The whole page in Markdown."""
    head = "| setting | values | default | meaning | also |\n|---|---|---|---|---|\n"
    return INTRODUCTION + head + _table(_rows()) + "".join(_founding_section(number) for number in SYSTEMS)


def _founding_section(system: int) -> str:
    rows = [(f"`{alias.variable}`", _sets(alias), alias.why) for alias in ALIASES if alias.system == system]
    title = f"\n## Variables of the {SYSTEMS[system]}\n\n"
    if not rows:
        return title + "It read none.\n"
    return title + "| variable | sets | remark |\n|---|---|---|\n" + _table(rows)


def _sets(alias: Alias) -> str:
    if alias.models:
        return ", ".join(f"`{alias.setting}.{model}.{alias.option}`" for model in alias.models)
    return f"`{alias.setting}`" if alias.setting else "none"


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _rows() -> Iterator[tuple[str, ...]]:
    for name, field in FIELDS.items():
        also = ", ".join(f"`{alias.variable}`" for alias in ALIASES if alias.setting == name and not alias.models)
        yield (
            f"`{name}`<br>`{PREFIX}{name.upper()}`",
            _values(field),
            f"`{_literal(field.get_default(call_default_factory=True, validated_data={}))}`",
            (field.description or "").replace("|", "\\|"),
            also,
        )


def _values(field: FieldInfo) -> str:
    if typing.get_origin(field.annotation) is typing.Literal:
        return ", ".join(f"`{choice}`" for choice in typing.get_args(field.annotation))
    bounds = [words for rule in field.metadata for words in _bounds(rule)]
    return ", ".join([_kind(field.annotation), *bounds])


def _bounds(rule: Any) -> Iterator[str]:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "multiple_of": "a multiple of", "min_length": "at least"}
    for attribute, sign in signs.items():
        value = getattr(rule, attribute, None)
        if value is not None:
            yield f"{sign} {value}"


def _kind(annotation: Any) -> str:
    if typing.get_origin(annotation) is tuple:
        return "list"
    if typing.get_origin(annotation) is dict:
        return "table"
    kinds = {int: "whole number", float: "number", bool: "on or off", str: "text", Path: "path"}
    return kinds.get(annotation, "path")


def _literal(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    print(settings_page(), end="")
