"""What differs between languages, as data: signs of numbers, names of money, words for marks, order of dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .spell import MAX_DIGITS, EnglishSpeller, LibrarySpeller, Speller


@dataclass(frozen=True, slots=True)
class Words:
    """A language's words for what has no letters. An empty word: leave the sign to the model."""

    decimal: str = "."
    group: str = ","
    point: str = ""
    minus: str = ""
    to: str = ""
    percent: str = ""
    dot: str = ""
    at: str = ""
    slash: str = ""
    dash: str = ""
    underscore: str = ""
    both: str = ""
    """Joins major and minor money ("three dollars and fifty cents")."""
    code_block: str = ""
    months: tuple[str, ...] = ()
    date: str = "{day} {month} {year}"
    money: Mapping[str, tuple[str, str, str, str]] = field(default_factory=dict)
    """By sign: one, many, one of the minor, many of the minor."""


EUROPE = ("€", "$", "£")


def _money(*names: str) -> dict[str, tuple[str, str, str, str]]:
    """Names in the order of ``EUROPE``, four each, separated by spaces."""
    return {sign: (w[0], w[1], w[2], w[3]) for sign, words in zip(EUROPE, names, strict=True) for w in [words.split()]}


WORDS: dict[str, Words] = {
    "en": Words(
        point="point", minus="minus", to="to", percent="percent", dot="dot", at="at", slash="slash", dash="dash",
        underscore="underscore", both="and", code_block="Code block.",
        months=tuple("January February March April May June July August September October November December".split()),
        money={
            "$": ("dollar", "dollars", "cent", "cents"),
            "€": ("euro", "euros", "cent", "cents"),
            "£": ("pound", "pounds", "penny", "pence"),
            "¥": ("yen", "yen", "sen", "sen"),
            "₹": ("rupee", "rupees", "paisa", "paise"),
            "₩": ("won", "won", "jeon", "jeon"),
            "₽": ("ruble", "rubles", "kopeck", "kopecks"),
            "₺": ("lira", "lira", "kurush", "kurush"),
            "₿": ("bitcoin", "bitcoins", "", ""),
            "₫": ("dong", "dong", "", ""),
            "₱": ("peso", "pesos", "centavo", "centavos"),
            "₦": ("naira", "naira", "kobo", "kobo"),
            "₪": ("shekel", "shekels", "agora", "agorot"),
            "฿": ("baht", "baht", "satang", "satang"),
            "₴": ("hryvnia", "hryvnias", "kopiyka", "kopiykas"),
        },
    ),
    "de": Words(
        decimal=",", group=".", point="Komma", minus="minus", to="bis", percent="Prozent", dot="Punkt", at="ät",
        slash="Schrägstrich", dash="Bindestrich", underscore="Unterstrich", both="", code_block="Codeblock.",
        months=tuple("Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()),
        date="{nth} {month} {year}",
        money=_money("Euro Euro Cent Cent", "Dollar Dollar Cent Cent", "Pfund Pfund Penny Pence"),
    ),
    "fr": Words(
        decimal=",", group="\u202f", point="virgule", minus="moins", to="à", percent="pour cent", dot="point",
        at="arobase", slash="barre oblique", dash="tiret", underscore="tiret bas", both="et",
        code_block="Bloc de code.",
        months=tuple("janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()),
        money=_money("euro euros centime centimes", "dollar dollars cent cents", "livre livres penny pence"),
    ),
    "es": Words(
        decimal=",", group=".", point="coma", minus="menos", to="a", percent="por ciento", dot="punto", at="arroba",
        slash="barra", dash="guion", underscore="guion bajo", both="con", code_block="Bloque de código.",
        months=tuple(
            "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split()
        ),
        date="{day} de {month} de {year}",
        money=_money(
            "euro euros céntimo céntimos", "dólar dólares centavo centavos", "libra libras penique peniques"
        ),
    ),
    "it": Words(
        decimal=",", group=".", point="virgola", minus="meno", to="a", percent="per cento", dot="punto",
        at="chiocciola", slash="barra", dash="trattino", underscore="trattino basso", both="e",
        code_block="Blocco di codice.",
        months=tuple(
            "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre".split()
        ),
        money=_money(
            "euro euro centesimo centesimi", "dollaro dollari centesimo centesimi", "sterlina sterline penny pence"
        ),
    ),
    "pt": Words(
        decimal=",", group=".", point="vírgula", minus="menos", to="a", percent="por cento", dot="ponto", at="arroba",
        slash="barra", dash="hífen", underscore="sublinhado", both="e", code_block="Bloco de código.",
        months=tuple(
            "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro".split()
        ),
        date="{day} de {month} de {year}",
        money=_money(
            "euro euros cêntimo cêntimos", "dólar dólares centavo centavos", "libra libras pêni pence"
        )
        | {"R$": ("real", "reais", "centavo", "centavos")},
    ),
    "nl": Words(
        decimal=",", group=".", point="komma", minus="min", to="tot", percent="procent", dot="punt", at="apenstaartje",
        slash="schuine streep", dash="streepje", underscore="laag streepje", both="en", code_block="Codeblok.",
        months=tuple("januari februari maart april mei juni juli augustus september oktober november december".split()),
        money=_money("euro euro cent cent", "dollar dollar cent cent", "pond pond penny pence"),
    ),
    "hi": Words(dot="डॉट", at="ऐट", slash="स्लैश", dash="डैश", underscore="अंडरस्कोर", code_block="कोड ब्लॉक।"),
    "ja": Words(code_block="コードブロック。"),
    "zh": Words(code_block="代码块。"),
    "ko": Words(code_block="코드 블록."),
    "ru": Words(decimal=",", group="\u00a0", dot="точка", slash="слэш", code_block="Блок кода."),
}  # fmt: skip

DAY_FIRST = frozenset({"GB", "AU", "NZ", "IN", "IE", "ZA", "SG", "MY", "KE", "NG"})
"""English-speaking regions that write the day before the month."""


@dataclass(frozen=True, slots=True)
class Locale:
    """A language with its region, its words and its way to count."""

    language: str
    region: str
    words: Words
    speller: Speller

    @classmethod
    def of(cls, tag: str) -> Locale:
        """Read a BCP 47 tag (underscores allowed). Unknown languages have no words: their signs are left alone."""
        parts = tag.replace("_", "-").split("-")
        language = parts[0].lower() or "en"
        region = next((part.upper() for part in parts[1:] if len(part) == 2), "")
        speller: Speller = EnglishSpeller(region == "IN") if language == "en" else LibrarySpeller(language)
        return cls(language, region, WORDS.get(language, Words()), speller)

    @property
    def counts(self) -> bool:
        """Whether numbers are put into words at all."""
        return bool(self.words.point)

    def number(self, written: str) -> str | None:
        """Words of a plain number as written here ("1,234.5", ".5", "-3"); None: leave it to the model."""
        sign = written[:1] in "-−"
        whole, _, fraction = written.lstrip("-−").partition(self.words.decimal)
        speller = _indian(whole) or self.speller
        whole = "".join(c for c in whole if c.isdigit())
        words = [self.words.minus] if sign else []
        if whole:
            as_digits = len(whole) > MAX_DIGITS or (len(whole) > 1 and whole[0] == "0")
            words.append(speller.digits(whole) if as_digits else speller.cardinal(int(whole)))
        if fraction:
            words += [self.words.point, speller.digits(fraction)]
        return " ".join(words) if words and all(words) else None

    def amount(self, written: str) -> str | None:
        """Words of a number or of a range of two ("5-10": "five to ten")."""
        low, dash, high = _split_range(written)
        if not dash:
            return self.number(low)
        first, second = self.number(low), self.number(high)
        return f"{first} {self.words.to} {second}" if first and second else None

    def is_one(self, written: str) -> bool:
        return written in ("1", "-1", "−1")


def _split_range(written: str) -> tuple[str, str, str]:
    for dash in "–—-":
        place = written.find(dash, 1)
        if place > 0:
            return written[:place].strip(), dash, written[place + 1 :].strip()
    return written, "", ""


def _indian(whole: str) -> Speller | None:
    """Lakh and crore where the number is grouped so ("1,00,000")."""
    groups = whole.split(",")
    return EnglishSpeller(indian=True) if any(len(group) == 2 for group in groups[1:-1]) else None
