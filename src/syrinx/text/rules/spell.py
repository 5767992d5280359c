"""Numbers as words. English is our own and total; other languages go through num2words where that is sound."""

from __future__ import annotations

from typing import Protocol

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = ((10**15, "quadrillion"), (10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_INDIAN = ((10**7, "crore"), (10**5, "lakh"), (1000, "thousand"))
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
MAX_DIGITS = 15
"""Longer runs of digits are read one by one: nobody hears a quintillion."""


class Speller(Protocol):
    """Says numbers in one language. An empty string: cannot, leave it to the model."""

    def cardinal(self, number: int) -> str: ...

    def ordinal(self, number: int) -> str: ...

    def year(self, number: int) -> str: ...

    def digits(self, digits: str) -> str: ...


class EnglishSpeller:
    """English with "and" ("three hundred and five"). ``indian`` counts in lakh and crore."""

    def __init__(self, indian: bool = False) -> None:
        self._scales = _INDIAN if indian else _SCALES

    def cardinal(self, number: int) -> str:
        if number < 0:
            return "minus " + self.cardinal(-number)
        if number < 100:
            tens, ones = divmod(number, 10)
            return _ONES[number] if number < 20 else _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")
        if number < 1000:
            hundreds, rest = divmod(number, 100)
            return f"{_ONES[hundreds]} hundred" + (f" and {self.cardinal(rest)}" if rest else "")
        scale, name = next(pair for pair in self._scales if number >= pair[0])
        count, rest = divmod(number, scale)
        joint = " and " if 0 < rest < 100 else " "
        return f"{self.cardinal(count)} {name}" + (joint + self.cardinal(rest) if rest else "")

    def ordinal(self, number: int) -> str:
        words = self.cardinal(number)
        head, sign, last = words[: -len(_last(words))], "", _last(words)
        if last in _ORDINALS:
            return head + sign + _ORDINALS[last]
        return head + (last[:-1] + "ieth" if last.endswith("y") else last + "th")

    def year(self, number: int) -> str:
        century, rest = divmod(number, 100)
        if number < 1100 or number > 2099 or 2000 <= number <= 2009:
            return self.cardinal(number)
        if not rest:
            return f"{self.cardinal(century)} hundred"
        return f"{self.cardinal(century)} {'oh ' if rest < 10 else ''}{self.cardinal(rest)}"

    def digits(self, digits: str) -> str:
        return " ".join(_ONES[int(digit)] for digit in digits)


def _last(words: str) -> str:
    """The last word of a number ("five" of "twenty-five")."""
    return words.replace("-", " ").rpartition(" ")[2]


class LibrarySpeller:
    """Another language through num2words, loaded at the first number."""

    def __init__(self, language: str) -> None:
        self._language = language

    def cardinal(self, number: int) -> str:
        return self._ask(number, "cardinal")

    def ordinal(self, number: int) -> str:
        return self._ask(number, "ordinal")

    def year(self, number: int) -> str:
        return self._ask(number, "year")

    def digits(self, digits: str) -> str:
        words = [self.cardinal(int(digit)) for digit in digits]
        return " ".join(words) if all(words) else ""

    def _ask(self, number: int, kind: str) -> str:
        from num2words import num2words

        try:
            return str(num2words(number, lang=self._language, to=kind)).strip()
        except (NotImplementedError, ArithmeticError, ValueError, TypeError, LookupError, AttributeError):
            # each language module fails in its own way at kinds, sizes and signs that it lacks
            return ""
