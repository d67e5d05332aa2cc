"""What arrives live, message by message, as one recording with the true time.

A message, or a line, holds a row of numbers or several: CSV as a microcontroller prints it (the style of
Edge Impulse's data forwarder), `x:1 y:2` as for Arduino's plotter, JSON or CBOR ({"x": 1.2, "y": 3.4}, a
list, a list of lists), or a whole acquisition in Edge Impulse's format. Values with names are matched by
name. What cannot be read is counted, and said with a sample; what is missing is a gap, not a faster clock.
"""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from edgekit import escape
from edgekit.data.bring import clock, impulse, notation, records, roles, timing
from edgekit.data.bring.reading import UnreadableError
from edgekit.data.recordings import Recording
from edgekit.errors import EdgekitError

LONGEST = 4 << 20  # bytes of a message
MOST = 50_000_000  # numbers of a recording
SAMPLE = 60  # bytes of a message that are shown
PAIR = re.compile(r"([^\W\d][\w.]*)\s*[:=]\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])")
OFF = 0.3  # of a period that a message may come early or late, and still keep its place
REGULAR = 0.95  # share of messages that must
SPARSE = 20  # times more places than messages: no recording any more


@dataclass
class Collector:
    """Gathers messages. `channels` as they are called, `sent` as the messages name them; `rows` of numbers,
    the seconds `at` which each arrived, the sender's `stamps` if it sends them; `lost`: (row, seconds) of
    messages that were damaged; `bad`: why messages were left out, and how many, each with a `sample`."""

    channels: tuple[str, ...] | None = None
    unit: str = ""
    rate: float | None = None
    rows: list[list[float]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    stamps: list[float] = field(default_factory=list)
    stamp_unit: str = ""
    sent: tuple[str, ...] | None = None
    header: str = ""
    lost: list[tuple[int, float]] = field(default_factory=list)
    bad: Counter = field(default_factory=Counter)
    sample: dict[str, str] = field(default_factory=dict)
    sender: dict[str, str] = field(default_factory=dict)  # who sends, by the messages' own words

    def add(self, payload: bytes, seconds: float) -> None:
        """One message or line that arrived at `seconds`."""
        try:
            if len(payload) > LONGEST or len(self.rows) * max(1, len(self.channels or ())) > MOST:
                raise UnreadableError("is too long")
            self._take(payload, seconds)
        except UnreadableError as error:
            why = escape.line(str(error))
            self.bad[why] += 1
            text = payload[:SAMPLE].decode("utf-8", "backslashreplace").strip()
            self.sample.setdefault(why, escape.line(text) + "…" * (len(payload) > SAMPLE))
            if _damaged(payload):
                self.lost.append((len(self.rows), seconds))

    def _take(self, payload: bytes, seconds: float) -> None:
        text = payload.strip()
        if text[:1] in (b"{", b"["):
            self._value(impulse.from_json(text), seconds)
        elif text and (text[0] >> 5 in (4, 5, 6) and text[0] >= 0x80):
            self._value(impulse.cbor(payload), seconds)
        else:
            self._lines(text, seconds)

    def _value(self, value, seconds: float) -> None:
        if isinstance(value, dict) and "payload" in value:
            reading = impulse.acquisition(value, "message")
            self.rate = self.rate or reading.rate
            self.unit = self.unit or reading.unit
            for row in reading.samples.tolist():
                self._named(dict(zip(reading.channels, row, strict=True)), seconds)
        elif isinstance(value, dict):
            self._named(records.flat(value), seconds)
        elif isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
            for row in value:
                self._named(records.flat(row), seconds)
        elif isinstance(value, list) and value and all(isinstance(v, list) for v in value):
            self._plain(value, seconds)
        elif isinstance(value, list) and value:
            self._plain([value], seconds)
        else:
            raise UnreadableError("holds no numbers")

    def _lines(self, text: bytes, seconds: float) -> None:
        rows = []
        for line in text.decode("utf-8", "replace").splitlines():
            cells = [c for c in re.split(r"[,;\t ]+", line.strip()) if c]
            pairs = PAIR.findall(line)
            if cells and all(notation.NUMBER.match(c) or c.lower() == "nan" for c in cells):
                rows.append([float(c) for c in cells])
            elif pairs and not PAIR.sub("", line).strip(" ,;\t"):
                self._named({name: float(number) for name, number in pairs}, seconds)
            elif cells and not self.rows and all(re.match(r"[^\W\d]", c) for c in cells):
                self.sent, self.header = tuple(cells), line  # the last one before the numbers
            elif cells:
                raise UnreadableError("is no line of numbers")
        if rows:
            self._plain(rows, seconds)

    def _named(self, values: dict, seconds: float) -> None:
        """A row of values with names, in whatever order; one of them may be the time."""
        stamp = next((k for k in values if roles.is_time(str(k))), None)
        ticks = _number(values[stamp]) if stamp is not None else None
        who = {str(k): str(v) for k, v in values.items() if k != stamp and _says_who(str(k), v)}
        self.sender = self.sender or who
        for key, one in who.items():
            if (first := self.sender.get(key, one)) != one:
                raise UnreadableError(f"is of {key} {one!r}, not {first!r}: a recording is of one")
        numbers = {
            str(k): _number(v) for k, v in values.items() if k != stamp and str(k) not in who
        }
        numbers = {k: v for k, v in numbers.items() if v is not None}
        if self.sent is None:
            named = self.channels and set(self.channels) <= set(numbers)
            self.sent = self.channels if named else tuple(numbers) or None
        if not numbers or not self.sent:
            raise UnreadableError("holds no numbers")
        if lacking := [k for k in self.sent if k not in numbers]:
            raise UnreadableError(f"lacks {', '.join(lacking)[:60]}")
        self._keep([numbers[k] for k in self.sent], self.sent, seconds, ticks, str(stamp))

    def _plain(self, rows: list[list], seconds: float) -> None:
        """Rows of numbers without names; a header may have said that one column is the time."""
        rows = [[_number(v) for v in row] for row in rows]
        if not all(rows) or any(v is None for row in rows for v in row):
            raise UnreadableError("holds something that is no number")
        if self.header and not self.rows and len(self.sent) != len(rows[0]):
            self.sent = None  # it was a greeting
        names = self.sent or self.channels or tuple(f"ch{i + 1}" for i in range(len(rows[0])))
        time_at = next((i for i, n in enumerate(names) if roles.is_time(n)), None)
        width = len(names)
        if self.channels and self.sent is None:
            self.sent = self.channels
        for row in rows:
            if len(row) != width:
                raise UnreadableError(f"holds {len(row)} numbers a row, not {width}")
        for row in rows:
            ticks = row.pop(time_at) if time_at is not None and len(names) > 1 else None
            kept = tuple(n for i, n in enumerate(names) if ticks is None or i != time_at)
            self._keep(row, kept, seconds, ticks, names[time_at] if ticks is not None else "")
        self.sent = names

    def _keep(self, row: list[float], names, seconds: float, ticks, stamp: str) -> None:
        if self.channels is None or (ticks is not None and stamp in self.channels):
            self.channels = tuple(names)
        if len(row) != len(self.channels):
            raise UnreadableError(f"holds {len(row)} numbers a row, not {len(self.channels)}")
        self.rows.append(row)
        self.at.append(seconds)
        if ticks is not None:
            self.stamps.append(ticks)
            self.stamp_unit = stamp

    def placed(self) -> tuple[np.ndarray, float, str, dict]:
        """(samples with NaN where something is missing, rate in Hz, where that is from, what a quality
        check should know). Raises EdgekitError where too little arrived to tell a rate."""
        x = np.array(self.rows, np.float32).reshape(len(self.rows), -1)
        if len(self.stamps) == len(self.rows) > 2:
            seconds = clock.ticks(np.array(self.stamps), self.stamp_unit, "", "", [])
            if (places := _places(seconds)) is not None:
                at, rate = places
                return (
                    _spread(x, at),
                    self.rate or timing.nominal(rate),
                    "the sender's time stamps",
                    {},
                )
            if not self.rate and (seen := timing.study(seconds)):
                gaps = {"gaps": [[i, s] for i, s in seen.gaps[:100]]} if seen.gaps else {}
                jitter = {"jitter": seen.jitter} if math.isfinite(seen.jitter) else {}
                return x, timing.nominal(seen.rate), "the sender's time stamps", gaps | jitter
        x, at = self._with_lost(x)
        if self.rate:
            return x, self.rate, "as given", {}
        return _by_arrival(x, at)

    def _with_lost(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and times of arrival, with an empty row for each message that was damaged."""
        rows = np.array([row for row, _ in self.lost], int)
        times = [seconds for _, seconds in self.lost]
        if not len(rows):
            return x, np.array(self.at)
        return np.insert(x, rows, np.nan, axis=0), np.insert(np.array(self.at), rows, times)

    def recording(
        self, name: str, label: str | None, group: str, licence: str, source: str
    ) -> Recording:
        """All of it. Raises EdgekitError where nothing arrived that could be read."""
        left = [f"{n} messages left out: each {why}, such as {self.sample[why]!r}"
                for why, n in self.bad.most_common(5)]  # fmt: skip
        if not self.rows:
            words = [f"no numbers came, only words, such as {self.header!r}"] if self.header else []
            why = "".join(f"; {t}" for t in (words or left)[:1])
            raise EdgekitError(f"{source}: nothing arrived that could be read{why}")
        samples, rate, how, meta = self.placed()
        missing = int(np.isnan(samples).all(axis=1).sum())
        if missing:
            left.append(f"{missing:,} of {len(samples):,} samples are missing, each in its place")
        meta |= {"rate_from": how, "recorded": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
        if left:
            meta["notes"] = left
        texts = (label, group or name, self.unit or "as sent", licence or "not stated", source)
        label, group, unit, licence, source = (t and escape.encodable(t) for t in texts)
        channels = tuple(map(escape.encodable, self.channels))
        return Recording(
            name, samples, rate, label, group, "field", channels, unit, licence, source, meta,
        )  # fmt: skip


def _says_who(key: str, value) -> bool:
    """Whether a value names the sender, or one of its sensors; a bare noun with a number may be a reading."""
    known = roles.identity(key)
    sure = known is not None and (known[1] or isinstance(value, str))
    return sure or (isinstance(value, str) and (roles.is_field(key) or roles.is_sensor(key)))


def _number(value) -> float | None:
    """A finite number, also one that stands in a text; `nan` stands for a missing one."""
    if isinstance(value, str) and notation.NUMBER.match(value.strip()):
        value = float(value)
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if plain and not abs(value) >= 1e30 else None


def _damaged(payload: bytes) -> bool:
    """Whether a message was once a row: mostly digits and what stands between them, or JSON."""
    text = payload.strip()
    inside = sum(c in b'0123456789+-.,;: \t{}[]"' for c in text)
    return bool(text) and (text[:1] in (b"{", b"[") or 2 * inside >= len(text))


def _places(seconds: np.ndarray) -> tuple[np.ndarray, float] | None:
    """The place of each message on an even grid, and the grid's rate in Hz; None where they keep none.

    A message that comes twice has the place of the first. At most SPARSE places for each message.
    """
    steps = np.diff(seconds)
    forward = steps[steps > 0]
    if len(forward) < 2 or not np.isfinite(steps).all() or (steps < 0).any():
        return None
    period = float(np.median(forward))
    single = steps[(steps > 0.5 * period) & (steps < 1.5 * period)]
    period = float(single.mean()) if len(single) else period
    count = np.rint(steps / period)
    even = np.abs(steps - count * period) <= OFF * period * np.maximum(1, 0.1 * count)
    again = (count == 0) & (steps > 0)
    if even.mean() < REGULAR or again.any() or count.sum() > SPARSE * len(seconds):
        return None
    if (steps == 0).mean() > 1 - REGULAR:
        return None
    return np.concatenate([[0], np.cumsum(count)]).astype(int), 1 / period


def _spread(x: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Rows put at their places, NaN between; of several at one place the first."""
    whole = np.full((places[-1] + 1, x.shape[1]), np.nan, np.float32)
    whole[places[::-1]] = x[::-1]
    return whole


def _by_arrival(x: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, float, str, dict]:
    """Rows that carry no time: by the moments at which their messages came, where these are regular.

    Networks hold messages back and hand them over together; then only the mean rate can be trusted.
    """
    moments, _, count = np.unique(at, return_index=True, return_counts=True)
    each = int(np.median(count))
    if len(moments) > 8 and (count == each).all() and (found := _places(moments)) is not None:
        places, _ = found
        rows = (places[:, None] * each + np.arange(each)).reshape(-1)
        span = moments[-1] - moments[0]
        rate = timing.nominal(places[-1] * each / span, 0.03)
        return _spread(x[np.argsort(at, kind="stable")], rows), rate, "the times of arrival", {}
    span, last = at[-1] - at[0], int((at == at[-1]).sum())  # those that came together at the end
    if len(at) - last < 2 or span <= 0:
        raise EdgekitError("too little arrived to measure a rate; record longer, or say --rate")
    return x, timing.nominal((len(at) - last) / span, 0.03), "the times of arrival", {}
