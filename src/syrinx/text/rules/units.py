"""Measures: a number and the short form of a unit."""

from __future__ import annotations

import re

from .locale import Locale
from .numbers import amount_pattern
from .rule import DIGITS, Rule, rule

_PLAIN = """
km kilometer|m meter|cm centimeter|mm millimeter|µm micrometer|nm nanometer|mi mile|yd yard|ft foot
kg kilogram|g gram|mg milligram|µg microgram|lb pound|lbs pound|oz ounce|L liter|l liter|ml milliliter
mL milliliter|cl centiliter|gal gallon|tsp teaspoon|tbsp tablespoon|s second|sec second|secs second
ms millisecond|µs microsecond|ns nanosecond|min minute|mins minute|h hour|hr hour|hrs hour|yr year
yrs year|Hz hertz|kHz kilohertz|MHz megahertz|GHz gigahertz|THz terahertz|W watt|kW kilowatt|MW megawatt
GW gigawatt|V volt|kV kilovolt|mV millivolt|mA milliamp|mAh milliamp hour|J joule|kJ kilojoule
kWh kilowatt hour|Wh watt hour|cal calorie|kcal kilocalorie|B byte|KB kilobyte|kB kilobyte|MB megabyte
GB gigabyte|TB terabyte|PB petabyte|KiB kibibyte|MiB mebibyte|GiB gibibyte|TiB tebibyte|kbit kilobit
Mbit megabit|Gbit gigabit|px pixel|ha hectare|ac acre|N newton|Pa pascal|kPa kilopascal|hPa hectopascal
dB decibel|mol mole|lm lumen|ct carat
""".replace("\n", "|").strip("|")
_FIXED = {
    "mph": "miles per hour", "kph": "kilometers per hour", "km/h": "kilometers per hour",
    "kmh": "kilometers per hour", "m/s": "meters per second", "m/s²": "meters per second squared",
    "kbps": "kilobits per second", "Mbps": "megabits per second", "Gbps": "gigabits per second",
    "Mbit/s": "megabits per second", "MB/s": "megabytes per second", "GB/s": "gigabytes per second",
    "KB/s": "kilobytes per second", "fps": "frames per second", "rpm": "revolutions per minute",
    "bpm": "beats per minute", "dpi": "dots per inch", "ppm": "parts per million", "psi": "pounds per square inch",
    "°C": "degrees Celsius", "° C": "degrees Celsius", "℃": "degrees Celsius", "°F": "degrees Fahrenheit",
    "° F": "degrees Fahrenheit", "℉": "degrees Fahrenheit", "°": "degrees", "‰": "per mille", "m²": "square meters",
    "m2": "square meters", "km²": "square kilometers", "km2": "square kilometers", "cm²": "square centimeters",
    "m³": "cubic meters", "m3": "cubic meters", "cm³": "cubic centimeters", "ft²": "square feet",
    "sq ft": "square feet", "sq. ft.": "square feet", "sqft": "square feet", "mpg": "miles per gallon",
    "kg/m³": "kilograms per cubic meter", "g/cm³": "grams per cubic centimeter", "mg/dL": "milligrams per deciliter",
    "L/100km": "liters per hundred kilometers", "Ω": "ohms", "kΩ": "kiloohms",
}  # fmt: skip
_SAME_PLURAL = frozenset({"hertz", "kilohertz", "megahertz", "gigahertz", "terahertz"})
_ONE_OF = {"degrees": "degree", "feet": "foot", "miles": "mile", "kilometers": "kilometer", "meters": "meter"}


def rules(locale: Locale) -> tuple[Rule, ...]:
    """English units; other languages leave them to the model."""
    if locale.language != "en":
        return ()
    singular = {unit: name for unit, _, name in (entry.partition(" ") for entry in _PLAIN.split("|"))}
    names = sorted([*singular, *_FIXED], key=len, reverse=True)
    pattern = "|".join(re.escape(name) for name in names).replace("µ", "[µμ]")

    def say(match: re.Match[str]) -> str | None:
        words = locale.amount(match["n"])
        unit = match["unit"].replace("μ", "µ")
        fixed = _FIXED.get(unit)
        one = locale.is_one(match["n"])
        if fixed:
            head, space, tail = fixed.partition(" ")
            name = _ONE_OF.get(head, head) + space + tail if one else fixed
        else:
            name = singular[unit] if one else _plural(singular[unit])
        return words and f"{words} {name}"

    def height(match: re.Match[str]) -> str:
        feet, inches = int(match["feet"]), int(match["inches"])
        long, short = "foot" if feet == 1 else "feet", "inch" if inches == 1 else "inches"
        return f"{locale.speller.cardinal(feet)} {long} {locale.speller.cardinal(inches)} {short}"

    return (
        rule("height", r"(?<![\w.])(?P<feet>[1-9])['′’]\s?(?P<inches>1[01]|[0-9])(?:[\"″”]|(?![\w]))", height, "'′’"),
        rule("unit", rf"(?P<n>{amount_pattern(locale)})[ \u00a0-]?(?P<unit>{pattern})(?![\w/°²³]|'[a-z])", say, DIGITS),
    )


def _plural(name: str) -> str:
    if name in _SAME_PLURAL:
        return name
    return "feet" if name == "foot" else name + "s"
