"""Shows the values of a spreadsheet as its number formats do: "12.5%", "1,204.00 €", "3 Mar 2024".

The language of formats is that of Office Open XML, part 1, section 18.8.31. Names of months and
days are English. Dates in the formats that follow a computer's settings are in ISO 8601.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from functools import lru_cache

# What Excel allows.
LONGEST_FORMAT = 255
# The formats that each computer shows in its own way, as openpyxl spells them.
_LOCAL_DATES = {"mm-dd-yy": "yyyy-mm-dd", "m/d/yy h:mm": "yyyy-mm-dd hh:mm"}
_WIDE = Context(prec=400)
_TOKEN = re.compile(
    r"""
    "(?P<quoted>[^"]*)"? | \\(?P<escaped>.) | _(?P<blank>.) | \*(?P<fill>.)
    | \[\$(?P<currency>[^\]-]*)[^\]]*\] | \[(?P<elapsed>h+|m+|s+)\] | \[(?P<bracket>[^\]]*)\]
    | (?P<general>General) | (?P<half>AM/PM|A/P) | (?P<date>y+|m+|d+|h+|s+)(?P<part>\.0+)?
    | (?P<exponent>E[+-]) | (?P<mark>[0#?.,%/@]) | (?P<other>.)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)(-?\d+(?:\.\d+)?)")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EPOCH = datetime(1899, 12, 30)

Value = str | bool | int | float | date | datetime | time | timedelta | None


@dataclass(frozen=True, slots=True)
class _Section:
    """One of the sections of a format: its tokens, (kind, text), and when it is for."""

    tokens: tuple[tuple[str, str], ...]
    condition: tuple[str, Decimal] | None


def shown(value: Value, number_format: str) -> str:
    """The value of a cell as it is shown under `number_format`; any format gives some text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return value
    sections = _sections(_LOCAL_DATES.get(number_format, number_format)[:LONGEST_FORMAT])
    if isinstance(value, int | float):
        return _number(value, sections)
    return _moment(value, sections[0].tokens)


@lru_cache(maxsize=1000)
def _sections(number_format: str) -> tuple[_Section, ...]:
    found: list[_Section] = []
    tokens: list[tuple[str, str]] = []
    condition: tuple[str, Decimal] | None = None
    for match in _TOKEN.finditer(number_format):
        kind = match.lastgroup or "other"
        if match["date"] and match["part"]:
            tokens += [("date", match["date"].lower()), ("part", match["part"])]
        elif match["other"] == ";":
            found.append(_Section(tuple(tokens), condition))
            tokens, condition = [], None
        elif match["bracket"] is not None:
            said = _CONDITION.fullmatch(match["bracket"])
            condition = condition if said is None else (said[1], Decimal(said[2]))
        elif match["fill"] is None:
            text = match[kind] or ""
            kinds = {"quoted": "text", "escaped": "text", "currency": "text", "other": "text"}
            text = " " if kind == "blank" else text.lower() if kind in ("date", "elapsed") else text
            tokens.append((kinds.get(kind, "text" if kind == "blank" else kind), text))
    return (*found, _Section(tuple(tokens), condition))


def _number(value: int | float, sections: Sequence[_Section]) -> str:
    if isinstance(value, float) and not abs(value) < float("inf"):
        return str(value)
    number = Decimal(repr(value))
    section, negated = _section_for(number, sections)
    tokens = section.tokens
    marks = [text for kind, text in tokens if kind == "mark"]
    if not tokens:
        # "0;;" hides what is negative or zero.
        return "" if len(sections) > 1 else _general(number)
    sign = "-" if number < 0 and not negated else ""
    if any(kind == "general" for kind, _ in tokens) or "@" in marks:
        texts = [
            _general(abs(number)) if kind == "general" or text == "@" else text
            for kind, text in tokens
        ]
        return (sign + "".join(texts)).strip()
    if any(kind in ("date", "elapsed") for kind, _ in tokens):
        # A number in a format for dates that is no date.
        return _general(number)
    body = _digits(abs(number), tokens)
    return (sign if re.search("[1-9]", body) else "") + body


def _section_for(number: Decimal, sections: Sequence[_Section]) -> tuple[_Section, bool]:
    """The section a number is shown by, and whether that one says itself that it is negative."""
    if any(section.condition for section in sections):
        for section in sections:
            if section.condition is None or _holds(number, section.condition):
                return section, False
        return sections[0], False
    if number < 0 and len(sections) > 1:
        return sections[1], True
    if number == 0 and len(sections) > 2:
        return sections[2], True
    return sections[0], False


def _holds(number: Decimal, condition: tuple[str, Decimal]) -> bool:
    sign, limit = condition
    return (
        ("<" in sign and number < limit)
        or (">" in sign and number > limit)
        or ("=" in sign and number == limit)
    )


def _general(number: Decimal) -> str:
    if number == number.to_integral_value():
        return f"{number:.0f}" if abs(number) < 10**21 else f"{float(number):.6g}".upper()
    if abs(number) < Decimal("1e-9"):
        return f"{float(number):.6g}".upper()
    whole = len(str(int(abs(number))))
    text = f"{_rounded(number, max(10 - whole, 2)):f}"
    return text.rstrip("0").rstrip(".")


def _rounded(number: Decimal, places: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _WIDE)


def _digits(number: Decimal, tokens: Sequence[tuple[str, str]]) -> str:
    """A number that is not negative, in the placeholders of a section."""
    marks = [text for kind, text in tokens if kind == "mark"]
    number = _WIDE.multiply(number, Decimal(100) ** marks.count("%"))
    if "/" in marks:
        return _fraction(number, tokens)
    places = [at for at, (kind, text) in enumerate(tokens) if kind == "mark" and text in "0#?"]
    if not places:
        return "".join(text for kind, text in tokens if kind != "exponent")
    exponent = next((at for at, (kind, _) in enumerate(tokens) if kind == "exponent"), None)
    if exponent is not None:
        return _scientific(number, tokens, exponent)
    point = next((at for at, token in enumerate(tokens) if token == ("mark", ".")), len(tokens))
    before = [at for at in places if at < point]
    after = [at for at in places if at > point]
    last = before[-1] if before else point
    # Commas after the last digit scale; those between digits group them.
    commas = [at for at, token in enumerate(tokens) if token == ("mark", ",")]
    scale = [at for at in commas if last < at <= point or (after and at > after[-1])]
    grouped = bool(before) and any(before[0] < at < last for at in commas)
    number = _rounded(number.scaleb(-3 * len(scale), _WIDE), len(after))
    whole, _, part = f"{number:f}".partition(".")
    texts = dict.fromkeys((*commas, *places), "")
    texts.update(_fill_whole(whole, before, tokens, grouped=grouped))
    kept = len(part)
    while kept and tokens[after[kept - 1]][1] in "#?" and part[kept - 1] == "0":
        kept -= 1
    texts.update(zip(after[:kept], part[:kept], strict=False))
    if point < len(tokens) and not kept and not any(tokens[at][1] == "0" for at in after):
        texts[point] = "" if after else "."
    if not before and whole != "0" and point < len(tokens):
        texts[point] = f"{whole}."
    return "".join(texts.get(at, text) for at, (_, text) in enumerate(tokens)).strip()


def _fill_whole(
    whole: str, places: Sequence[int], tokens: Sequence[tuple[str, str]], *, grouped: bool
) -> dict[int, str]:
    """The digits left of the point by their placeholders; the first takes all that are over."""
    if not places:
        return {}
    least = sum(tokens[at][1] == "0" for at in places)
    digits = ("" if whole == "0" else whole).rjust(least, "0")
    filled: dict[int, str] = {}
    if grouped or places[-1] - places[0] == len(places) - 1:
        head = len(digits) % 3 or 3
        groups = [digits[:head], *(digits[at : at + 3] for at in range(head, len(digits), 3))]
        filled[places[-1]] = ",".join(groups) if grouped else digits
        return filled
    for at in reversed(places[1:]):
        filled[at], digits = digits[-1:], digits[:-1]
    filled[places[0]] = digits
    return filled


def _scientific(number: Decimal, tokens: Sequence[tuple[str, str]], at: int) -> str:
    point = next((spot for spot, token in enumerate(tokens) if token == ("mark", ".")), at)
    places = sum(kind == "mark" and text in "0#?" for kind, text in tokens[point:at])
    mantissa, _, exponent = f"{number:.{places}E}".partition("E")
    width = sum(kind == "mark" and text == "0" for kind, text in tokens[at:])
    sign = exponent[0] if exponent[0] == "-" or tokens[at][1].endswith("+") else ""
    return f"{mantissa}E{sign}{exponent[1:].rjust(width, '0')}"


def _fraction(number: Decimal, tokens: Sequence[tuple[str, str]]) -> str:
    slash = next(at for at, token in enumerate(tokens) if token == ("mark", "/"))
    fixed = "".join(text for _, text in tokens[slash + 1 :]).strip()
    whole = int(number)
    if fixed.isdecimal() and fixed.strip("0") and len(fixed) < 6:
        bottom = int(fixed)
        top = int(_rounded((number - whole) * bottom, 0))
    else:
        digits = min(max(sum(text in "0#?" for text in fixed), 1), 5)
        found = Fraction(number - whole).limit_denominator(10**digits - 1)
        top, bottom = found.numerator, found.denominator
    if top == bottom:
        whole, top = whole + 1, 0
    # "?/?" without a place for whole numbers before it holds them in the fraction.
    has_whole = any(kind == "text" and not text.strip() for kind, text in tokens[:slash])
    if not has_whole:
        return f"{whole * bottom + top}/{bottom}"
    if not top:
        return str(whole)
    return f"{whole} {top}/{bottom}" if whole else f"{top}/{bottom}"


def _moment(value: date | datetime | time | timedelta, tokens: Sequence[tuple[str, str]]) -> str:
    """A date, a time or a duration."""
    if isinstance(value, timedelta):
        elapsed = value
        moment = _EPOCH + value if timedelta() <= value < timedelta(days=10**6) else _EPOCH
    elif isinstance(value, time):
        moment = datetime.combine(_EPOCH.date(), value.replace(tzinfo=None))
        elapsed = moment - _EPOCH
    else:
        is_moment = isinstance(value, datetime)
        moment = value if is_moment else datetime.combine(value, time())  # type: ignore[assignment]
        moment = moment.replace(tzinfo=None)
        elapsed = moment - _EPOCH
    if not any(kind in ("date", "elapsed") for kind, _ in tokens):
        return _iso(moment, elapsed, value)
    if not any(kind == "part" for kind, _ in tokens):
        moment = _to_second(moment)
        elapsed = timedelta(seconds=round(elapsed.total_seconds()))
    halved = any(kind == "half" for kind, _ in tokens)
    pieces: list[str] = []
    for at, (kind, text) in enumerate(tokens):
        if kind == "date":
            pieces.append(_date_part(moment, text, halved, _is_minutes(tokens, at)))
        elif kind == "elapsed":
            pieces.append(_elapsed(elapsed, text))
        elif kind == "half":
            half = "AM" if moment.hour < 12 else "PM"
            pieces.append(half if len(text) > 3 else half[0])
        elif kind == "part":
            pieces.append(
                "." + f"{moment.microsecond:06}"[: len(text) - 1].ljust(len(text) - 1, "0")
            )
        elif not (kind == "mark" and text == "@"):
            pieces.append(text)
    return " ".join("".join(pieces).split())


def _to_second(moment: datetime) -> datetime:
    """To the closest second: sheets count in days, so that whole seconds are a little off."""
    if moment.microsecond < 500_000 or moment >= datetime(9999, 12, 31):
        return moment.replace(microsecond=0)
    return moment.replace(microsecond=0) + timedelta(seconds=1)


def _iso(moment: datetime, elapsed: timedelta, value: date | datetime | time | timedelta) -> str:
    if isinstance(value, timedelta):
        return f"{_elapsed(elapsed, 'h')}:{_elapsed(elapsed, 'm', 60)}:{_elapsed(elapsed, 's', 60)}"
    moment = _to_second(moment)
    if isinstance(value, time):
        return moment.time().isoformat()
    return moment.date().isoformat() if moment.time() == time() else moment.isoformat(" ")


def _is_minutes(tokens: Sequence[tuple[str, str]], at: int) -> bool:
    """Whether an "m" stands for minutes: after hours or before seconds."""
    if len(tokens[at][1]) > 2:
        return False
    parts = [spot for spot, (kind, _) in enumerate(tokens) if kind in ("date", "elapsed")]
    spot = parts.index(at)
    before = tokens[parts[spot - 1]][1] if spot else ""
    after = tokens[parts[spot + 1]][1] if spot + 1 < len(parts) else ""
    return before.startswith("h") or after.startswith("s")


def _date_part(moment: datetime, text: str, halved: bool, minutes: bool) -> str:
    kind, width = text[0], len(text)
    if kind == "y":
        return f"{moment.year % 100:02}" if width <= 2 else f"{moment.year:04}"
    if kind == "m" and not minutes:
        name = _MONTHS[moment.month - 1]
        names = {3: name[:3], 5: name[0]}
        return f"{moment.month:0{width}}" if width < 3 else names.get(width, name)
    if kind == "d":
        name = _DAYS[moment.weekday()]
        return f"{moment.day:0{width}}" if width < 3 else name[:3] if width == 3 else name
    if kind == "h":
        hour = (moment.hour % 12 or 12) if halved else moment.hour
        return f"{hour:0{min(width, 2)}}"
    return f"{moment.minute if kind == 'm' else moment.second:0{min(width, 2)}}"


def _elapsed(elapsed: timedelta, text: str, modulus: int | None = None) -> str:
    unit = {"h": 3600, "m": 60, "s": 1}[text[0]]
    seconds = round(elapsed.total_seconds())
    count = abs(seconds) // unit
    sign = "-" if seconds < 0 and modulus is None else ""
    width = len(text) if modulus is None else 2
    return f"{sign}{count if modulus is None else count % modulus:0{width}}"
