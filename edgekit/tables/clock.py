"""What a clock's column says, in seconds: dates, times of day, ticks since boot, days of a spreadsheet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.tables import column_roles

if TYPE_CHECKING:
    import pandas as pd

UNITS = {"s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "sekunden": 1.0,
         "ms": 1e-3, "msec": 1e-3, "msecs": 1e-3, "millis": 1e-3, "millisec": 1e-3, "millisecs": 1e-3,
         "millisecond": 1e-3, "milliseconds": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "usec": 1e-6,
         "usecs": 1e-6, "micros": 1e-6, "microsec": 1e-6, "microsecond": 1e-6, "microseconds": 1e-6,
         "ns": 1e-9, "nsec": 1e-9, "nanos": 1e-9, "nanosec": 1e-9, "nanosecond": 1e-9, "nanoseconds": 1e-9,
         "min": 60.0, "mins": 60.0, "minutes": 60.0, "h": 3600.0, "hours": 3600.0,
         "d": 86400.0, "days": 86400.0}  # fmt: skip
SHOWN = {1e-9: "ns", 1e-6: "µs", 1e-3: "ms", 1.0: "s", 86400.0: "days, as spreadsheets count them"}
EPOCH = 4.7e8, 4.2e9  # seconds since 1970, of the years 1984 to 2103
DAY, HALF_DAY, HOUR = 86_400.0, 43_200.0, 3600.0
DATED = {"date", "datum", "datetime", "ole", "oadate", "excel", "serial", "days", "day"}
MISSING = np.iinfo(np.int64).min  # a NaT

_TIME = r"\d{1,3}:\d\d(?::\d\d)?(?:[.,:]\d+)?(?:\s*[ap]\.?m\.?)?"
_DATE = r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d\d)|\d{8})"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_ZONE = r"(?:\s*(?:z|utc|gmt|[a-z]{2,4}t|[+-]\d\d:?\d\d|\([a-z ]+\)))*"
INSTANT = re.compile(
    rf"{_DATE}(?:[T _,]+|:)(?:{_TIME}|\d\d\.\d\d\.\d\d(?:\.\d+)?|\d{{6}}(?:\.\d+)?){_ZONE}", re.I
)
NAMED = re.compile(
    rf"(?:[a-z]{{3,9}},?\s+)?(?:\d{{1,2}}[ -]{_MONTH}|{_MONTH}\s+\d{{1,2}})\b.*\d:\d\d.*", re.I
)
CLOCK = re.compile(_TIME + _ZONE, re.I)
DATE = re.compile(_DATE)
FIXES = (  # what dates are freed from before they are read
    (r"(\d[T ])(\d\d)\.(\d\d)\.(\d\d)", r"\1\2:\3:\4"),
    (r"(:\d\d),(\d+)", r"\1.\2"),
    (r"(\d{1,3}:\d\d:\d\d):(\d+)", r"\1.\2"),
    (r"(?i)\s*([ap])\.?m\.?", r" \1M"),
    (r"(?i)\s*(?:utc|gmt|\b[a-z]{2,3}t)?\s*\([a-z ]+\)$", ""),
    (r"(?i)(\d)\s*(?:utc|gmt|[a-z]{2,3}t)$", r"\1"),
    (r"^(\d{4})(\d\d)(\d\d)([T _])(\d\d)(\d\d)(\d\d)", r"\1-\2-\3\4\5:\6:\7"),
    (r"^([\d./-]{8,10})[_,]\s*", r"\1 "),
)  # fmt: skip


def is_stamp(cell: str) -> bool:
    """Whether a text is a date, a time of day or both."""
    cell = cell.strip().strip("\"'")
    return (":" in cell and bool(CLOCK.fullmatch(cell))) or bool(
        len(cell) >= 8 and (INSTANT.fullmatch(cell) or NAMED.fullmatch(cell) or _is_date(cell))
    )


def _is_date(cell: str) -> bool:
    return not cell.isdigit() and DATE.fullmatch(cell) is not None


@dataclass(frozen=True)
class TimeFormat:
    """How the texts of a column tell time. `what`: "instant", "date" or "clock", a time of day."""

    what: str
    fixes: tuple[tuple[str, str], ...] = ()
    formats: tuple[tuple[str, ...], ...] = ()  # alternatives, each a few formats
    minutes: bool = False  # mm:ss
    modulus: float = 0.0  # seconds after which it begins anew

    def read(self, texts: pd.Series) -> list[np.ndarray]:
        """int64 nanoseconds (n,) of each alternative, MISSING where a text is no time."""
        if self.fixes:
            texts = texts.fillna("").astype(str)
            for pattern, by in self.fixes:
                texts = texts.str.replace(pattern, by, regex=True)
        ways = []
        for formats in self.formats or (("",),):
            ns = self._one(texts, formats[0])
            for how in formats:
                open_ = np.flatnonzero(ns == MISSING)
                if len(open_):  # with blanks or quotes around it, or in the next form
                    some = texts.iloc[open_].fillna("").astype(str).str.strip(" \t\"'")
                    ns[open_] = self._one(some, how)
            ways.append(ns)
        return ways

    def _one(self, texts: pd.Series, how: str) -> np.ndarray:
        import pandas as pd

        if how:
            return _parsed(texts, how)
        full = "00:" + texts if self.minutes else texts
        return _ns(pd.to_timedelta(full, errors="coerce"), "timedelta64[ns]")


def _parsed(texts: pd.Series, how: str) -> np.ndarray:
    import pandas as pd

    options = {"format": how.removesuffix("!")} | ({"dayfirst": True} if how == "mixed!" else {})
    try:
        return _ns(pd.to_datetime(texts, utc=True, errors="coerce", **options), "datetime64[ns]")
    except (ValueError, TypeError, OverflowError):
        return np.full(len(texts), MISSING)


def _ns(values, kind: str) -> np.ndarray:
    try:
        return values.to_numpy(kind).view(np.int64).copy()
    except (ValueError, OverflowError):  # years that nanoseconds cannot hold
        return np.full(len(values), MISSING)


def form(cells: list[str]) -> TimeFormat | None:
    """The form of a column's first texts; None where most of them are no times."""
    import pandas as pd

    some = [c.strip().strip("\"'") for c in cells[:60]]
    if not some or sum(map(is_stamp, some)) < 0.9 * len(some):
        return None
    mended = []
    for pattern, by in FIXES:
        fixed = [re.sub(pattern, by, c) for c in some]
        if fixed != some:
            mended.append((pattern, by))
            some = fixed
    fixes = tuple(mended)
    if all(_is_date(c) for c in some):
        return TimeFormat("date", fixes, _dates(some[0], ("",)))
    half = any(c.endswith("M") for c in some)  # AM, PM
    times: tuple[str, ...]
    if all(CLOCK.fullmatch(c) for c in some):
        short = all(c.count(":") == 1 for c in some)
        if half:
            times = ("%I:%M %p",) if short else ("%I:%M:%S.%f %p", "%I:%M:%S %p")
            return TimeFormat("clock", fixes, (times,), modulus=DAY)
        first = [int(c.split(":")[0]) for c in some]
        minutes = short and ("." in "".join(some) or max(first) > 23 or first[0] == 0)
        if short and not minutes:
            return TimeFormat("clock", fixes, (("%H:%M",),), modulus=DAY)
        return TimeFormat("clock", fixes, minutes=minutes, modulus=HOUR if minutes else DAY)
    if NAMED.fullmatch(some[0]):
        return TimeFormat("instant", fixes, (("mixed",),))
    times = (
        ("%I:%M:%S.%f %p", "%I:%M:%S %p", "%I:%M %p")
        if half
        else ("%H:%M:%S.%f", "%H:%M:%S", "%H:%M")
    )
    made = TimeFormat("instant", fixes, (("ISO8601",),))
    if half or (made.read(pd.Series(some))[0] == MISSING).any():
        made = TimeFormat("instant", fixes, _dates(some[0], times))
    return made


def _dates(cell: str, times: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Formats of a date like `cell`, with each of the times of day; day first and month first."""
    found = re.match(r"(\d+)([-/.])(\d+)[-/.](\d+)(.?)", cell)
    if not found:
        return (("mixed",), ("mixed!",))
    by, then = found[2], found[5] or " "
    if len(found[1]) == 4:
        orders = [f"%Y{by}%m{by}%d"]
    else:
        year = "%Y" if len(found[4]) == 4 else "%y"
        orders = [f"%d{by}%m{by}{year}", f"%m{by}%d{by}{year}"]
    return tuple(tuple(f"{o}{then}{t}" if t else o for t in times) for o in orders)


def best(readings: list[np.ndarray]) -> np.ndarray:
    """Of int64 nanoseconds read in several ways the one that is read most, and then runs most evenly."""

    def cost(ns: np.ndarray) -> tuple[float, float]:
        known = ns[ns != MISSING]
        steps = np.abs(np.diff(known.astype(np.float64)))
        return (len(ns) - len(known)) // max(1, len(ns) // 50), float(steps.sum())

    return min(readings, key=cost) if len(readings) > 1 else readings[0]


# ------------------------------------------------------------------------------------------ numbers


def unit_of(name: str, said: str = "") -> str:
    """The unit of a clock by its header: in brackets, as its name, or at the name's end."""
    said, word = said.strip().lower().rstrip("."), name.strip().lower()
    if said in UNITS:
        return said
    if word in UNITS and word not in ("d", "h", "s", "min"):
        return word
    words = column_roles.tokens(name)
    return (
        words[-1] if len(words) > 1 and words[-1] in UNITS and words[-1] not in ("d", "h") else ""
    )


def ticks(x: np.ndarray, name: str, said: str, wanted: str, notes: list[str]) -> np.ndarray:
    """Numbers (n,) as seconds: by the option, the header, the size of an epoch, or the step.

    `said` is the unit of the header, `wanted` that of `--time-unit`; what is guessed is added to `notes`.
    """
    known = wanted or unit_of(name, said)
    if known == "ms" and not wanted and _of_wincc(x):
        notes.append("time stamps are days since 1899-12-30, times 1,000,000, as WinCC writes them")
        return (x - x[np.isfinite(x)][0]) * DAY / 1e6
    if known:
        return x * UNITS[known]
    several = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)\s*([a-zµμ]+)", said.strip().lower())  # "10 ms"
    if several and several[2] in UNITS:
        return x * float(several[1]) * UNITS[several[2]]
    finite = x[np.isfinite(x)]
    steps = np.diff(finite)
    step = float(np.median(np.abs(steps[steps != 0]))) if (steps != 0).any() else 1.0
    size = float(np.median(np.abs(finite))) if len(finite) else 0.0
    whole = bool((finite == np.round(finite)).all())
    if whole and 1.95e13 < size < 2.1e13 and (stamps := _compact(x)) is not None:
        return stamps
    for scale in (1.0, 1e-3, 1e-6, 1e-9):
        if EPOCH[0] <= size * scale <= EPOCH[1]:
            period = step * scale
            if period <= 100 or (period < 2 * DAY and period % 60 == 0):
                return (x - finite[0]) * scale
    scale = _scale(
        step, size, whole, name.strip(), float((steps == 0).mean()) if len(steps) else 0.0
    )
    unit = said.strip() and not re.search(r"[:+-]|utc|gmt|[hys]{2}", said, re.I)
    what = f"whose unit {said.strip()[:20]!r} is not understood" if unit else "without a unit"
    notes.append(f"time stamps {what}, taken for {SHOWN[scale]}: --time-unit says otherwise")
    return (x - finite[0] if len(finite) and scale == DAY else x) * scale


def _of_wincc(x: np.ndarray) -> bool:
    """Whether "milliseconds" are millionths of days since 1899-12-30, in the years 1982 to 2119, with their
    fractions: as milliseconds they were a year of uptime, to a fraction of a microsecond."""
    x = x[np.isfinite(x)]
    return bool(len(x) and (x > 3e10).all() and (x < 8e10).all() and (x != np.round(x)).any())


def _scale(step: float, size: float, whole: bool, word: str, still: float) -> float:
    if not whole:
        dated = 2e4 <= size <= 8e4 or 6.9e5 <= size <= 7.7e5  # days since 1900, or since the year 0
        if dated and (step <= 1e-3 or (step <= 1 and set(column_roles.tokens(word)) & DATED)):
            return DAY
        return 1e-3 if step >= 10 else 1.0
    if step == 1 and (word.lower() in ("t", "time", "seconds") or still > 0.5):
        return 1.0
    if step >= 1e5 and (size > 1e11 or step >= 5e6):
        return 1e-9
    if step >= 2000 or (size > 2**32 and step >= 50):
        return 1e-6
    return 1e-3


def _compact(x: np.ndarray) -> np.ndarray | None:
    """20240501100000 as seconds."""
    import pandas as pd

    texts = pd.Series(np.where(np.isfinite(x), x, 0).astype(np.int64)).astype(str)
    ns = _parsed(texts, "%Y%m%d%H%M%S")
    known = ns != MISSING
    if known.mean() < 0.9:
        return None
    return np.where(known, (ns - ns[known][0]) / 1e9, np.nan)


def unwrap_counter(
    x: np.ndarray, moduli: tuple[float, ...], notes: list[str], unit: str = ""
) -> np.ndarray:
    """A clock (n,) that began anew at one of `moduli` as one that runs on; notes say so."""
    with np.errstate(invalid="ignore"):
        steps = np.diff(x)
        back = np.flatnonzero(steps < 0)
        forward = steps[steps > 0]
    if not len(back) or not len(forward):
        return x
    period, add = float(np.median(forward)), np.zeros(len(x))
    turns: dict[float, int] = {}
    for i in back:
        for m in moduli:
            if 0 < steps[i] + m <= min(20 * period, m / 2):
                add[i + 1] = m
                turns[m] = turns.get(m, 0) + 1
                break
    for m, n in turns.items():
        shown = f"2^{int(np.log2(m))}" if m in (2.0**16, 2.0**24, 2.0**32) else f"{m:g}{unit}"
        notes.append(f"the clock begins anew at {shown} ({n} times): counted on")
    return x + np.cumsum(add)
