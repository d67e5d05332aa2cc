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

from edgekit.bring import time_grid
from edgekit.core import escape
from edgekit.core.errors import EdgekitError
from edgekit.data.recordings import Recording
from edgekit.readers import batch, edge_impulse, message_text, records
from edgekit.tables import clock, column_roles, notation, timing
from edgekit.tables.reading import UnreadableError

LONGEST = 4 << 20  # bytes of a message
MOST = 50_000_000  # numbers of a recording
SAMPLE = 60  # bytes of a message that are shown
ARROW = "seconds"  # the name of stamps that were a date or a time of day


@dataclass
class Collector:
    """Gathers messages. `channels` as they are called, `sent` as the messages name them; `rows` of numbers,
    the seconds `at` which each arrived, the sender's `stamps` if it sends them; `lost`: (row, seconds) of
    messages that were damaged; `bad`: why messages were left out, and how many, each with a `sample`."""

    channels: tuple[str, ...] = ()
    unit: str = ""
    rate: float | None = None
    rows: list[list[float]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    stamps: list[float] = field(default_factory=list)
    stamp_unit: str = ""
    sent: tuple[str, ...] = ()
    header: str = ""
    lost: list[tuple[int, float]] = field(default_factory=list)
    bad: Counter = field(default_factory=Counter)
    sample: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)  # what was decided about channels
    batches: batch.Batches = field(default_factory=batch.Batches)
    channels_given: bool = False  # whether a person named the channels: then each is taken
    sender: dict[str, str] = field(default_factory=dict)  # who sends, by the messages' own words

    def add(self, payload: bytes, seconds: float) -> None:
        """One message or line that arrived at `seconds`."""
        try:
            if len(payload) > LONGEST or len(self.rows) * max(1, len(self.channels)) > MOST:
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
            self._value(edge_impulse.from_json(text), seconds)
        elif text and (text[0] >> 5 in (4, 5, 6) and text[0] >= 0x80):
            self._value(edge_impulse.cbor(payload), seconds)
        else:
            self._lines(text, seconds)

    def _value(self, value, seconds: float) -> None:
        if isinstance(value, dict) and isinstance(value.get("payload"), list):
            return self._value(value["payload"], seconds)
        if isinstance(value, dict) and "payload" in value and not _acquired(value["payload"]):
            inner = value["payload"]
            if isinstance(inner, str) and message_text.is_line(inner):
                return self._lines(inner.encode(), seconds)
            value = message_text.node_red(value)
        if isinstance(value, dict) and "payload" in value and _acquired(value["payload"]):
            reading = edge_impulse.acquisition(value, "message")
            self.rate = self.rate or reading.rate
            self.unit = self.unit or reading.unit
            for row in reading.samples.tolist():
                self._named(dict(zip(reading.channels or (), row, strict=True)), seconds)
        elif isinstance(value, dict):
            flat = records.flat(value)
            for row in batch.unpack(flat, self.batches) or [flat]:
                self._named(row, seconds)
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
        rows, stamps = [], []
        for line in text.decode("utf-8", "replace").splitlines():
            at, line = message_text.split_arrival_time(message_text.plain_minus(line))
            cells, pairs = message_text.cells(line), message_text.pairs(line)
            if at is None and len(cells) > 1 and (at := message_text.moment(cells[0])) is not None:
                cells = cells[1:]
            if cells and all(notation.NUMBER.match(c) or c.lower() == "nan" for c in cells):
                rows.append([float(c) for c in cells])
                stamps.append(at)
            elif pairs:
                self._named(pairs | ({ARROW: at} if at is not None else {}), seconds)
            elif cells and not self.rows and all(re.match(r"[^\W\d]", c) for c in cells):
                self.sent, self.header = tuple(cells), line  # the last one before the numbers
            elif cells:
                raise UnreadableError(
                    message_text.BYTES if message_text.is_hex(cells) else message_text.WORDS
                )
        if rows:
            self._plain(rows, seconds, stamps)

    def _named(self, values: dict, seconds: float) -> None:
        """A row of values with names, in whatever order; one of them may be the time."""
        stamp, ticks, unit = _stamp(values)
        who = {
            str(k): str(v)
            for k, v in values.items()
            if k != stamp and _is_sender_identity(str(k), v)
        }
        self.sender = self.sender or who
        for key, one in who.items():
            if (first := self.sender.get(key, one)) != one:
                raise UnreadableError(f"is of {key} {one!r}, not {first!r}: a recording is of one")
        numbers = {
            str(k): number
            for k, v in values.items()
            if k != stamp and str(k) not in who and (number := message_text.number(v)) is not None
        }
        if not self.sent:
            named = self.channels and set(self.channels) <= set(numbers)
            self.sent = self.channels if named else tuple(numbers)
        if not numbers or not self.sent:
            raise UnreadableError("holds no numbers")
        if lacking := [k for k in self.sent if k not in numbers]:
            raise UnreadableError(f"lacks {', '.join(lacking)[:60]}")
        self._keep([numbers[k] for k in self.sent], self.sent, seconds, ticks, unit)

    def _plain(self, rows: list[list], seconds: float, stamps: list | None = None) -> None:
        """Rows of numbers without names; a header may have said that one column is the time."""
        rows = [[message_text.number(v) for v in row] for row in rows]
        if not all(rows) or any(v is None for row in rows for v in row):
            raise UnreadableError("holds something that is no number")
        if self.header and not self.rows and len(self.sent) != len(rows[0]):
            self.sent = ()  # it was a greeting
        names = self.sent or self.channels or tuple(f"ch{i + 1}" for i in range(len(rows[0])))
        time_at = next((i for i, n in enumerate(names) if column_roles.is_time(n)), None)
        width = len(names)
        self.sent = self.sent or self.channels
        for row in rows:
            if len(row) != width:
                raise UnreadableError(f"holds {len(row)} numbers a row, not {width}")
        for row, at in zip(rows, stamps or [None] * len(rows), strict=True):
            if at is not None:
                self._keep(row, names, seconds, at, ARROW)
                continue
            if time_at is None or width < 2:
                self._keep(row, names, seconds, None, "")
                continue
            ticks, kept = row.pop(time_at), (*names[:time_at], *names[time_at + 1 :])
            self._keep(row, kept, seconds, ticks, names[time_at])
        self.sent = names

    def _keep(
        self,
        row: list[float],
        names: tuple[str, ...],
        seconds: float,
        ticks: float | None,
        stamp: str,
    ) -> None:
        if not self.channels or (ticks is not None and stamp in self.channels):
            self.channels = names
        if len(row) != len(self.channels):
            raise UnreadableError(f"holds {len(row)} numbers a row, not {len(self.channels)}")
        self.rows.append(row)
        self.at.append(seconds)
        if ticks is not None:
            self.stamps.append(ticks)
            self.stamp_unit = stamp

    def on_time_grid(self) -> tuple[np.ndarray, float, str, dict]:
        """(samples with NaN where something is missing, rate in Hz, where that is from, what a quality
        check should know). Raises EdgekitError where too little arrived to tell a rate."""
        self._no_time()
        left = self._no_channels()
        x = np.array(self.rows, np.float32).reshape(len(self.rows), -1)[:, left]
        self.channels = tuple(self.channels[i] for i in left)
        if sum(n for n, _, _ in self.batches.all) == len(self.rows):
            if timed := self.batches.stamps():
                self.stamps, self.stamp_unit = timed[0].tolist(), timed[1]
            elif not self.rate and (rate := self.batches.rate()):
                return x, timing.nominal(rate), "the messages' own step", {}
        if len(self.stamps) == len(self.rows) > 2:
            seconds = clock.ticks(np.array(self.stamps), self.stamp_unit, "", "", [])
            if self.stamp_unit == ARROW:
                seconds = clock.unwrap_counter(seconds, (clock.DAY,), [])
            if (grid_index := time_grid.grid_index(seconds)) is not None:
                at, rate = grid_index
                return (
                    time_grid.spread(x, at),
                    self.rate or timing.nominal(rate),
                    "the sender's time stamps",
                    {},
                )
            if not self.rate and (seen := timing.analyze_timestamps(seconds)):
                gaps = {"gaps": [[i, s] for i, s in seen.gaps[:100]]} if seen.gaps else {}
                jitter = {"jitter": seen.jitter} if math.isfinite(seen.jitter) else {}
                return x, timing.nominal(seen.rate), "the sender's time stamps", gaps | jitter
        x, at = self._with_lost(x)
        if self.rate:
            return x, self.rate, "as given", {}
        return time_grid.by_arrival(x, at)

    def _no_time(self) -> None:
        """Make a channel of `t` where it does not rise as a clock does: it is a temperature."""
        bare = column_roles.plain_words(self.stamp_unit) == ["t"]
        if not bare or len(self.stamps) != len(self.rows) or len(self.rows) < 3:
            return
        steps = np.diff(self.stamps)
        if (steps > 0).mean() >= 0.5 and (steps < 0).mean() <= 0.1:
            return
        self.channels = (self.stamp_unit, *self.channels)
        self.rows = [[t, *row] for t, row in zip(self.stamps, self.rows, strict=True)]
        self.warnings.append(f"{self.stamp_unit!r} does not rise as time does: it is a channel")
        self.stamps = []

    def _no_channels(self) -> list[int]:
        """Places of the channels that measure; what counts messages, or tells how the sender is, is said."""
        x, left = np.array(self.rows, np.float64).reshape(len(self.rows), -1), []
        for i, name in enumerate(self.channels):
            steps = np.diff(x[:, i][np.isfinite(x[:, i])])
            counts = len(steps) and (steps == np.round(steps)).all() and (steps > 0).mean() > 0.9
            if not self.channels_given and counts and column_roles.is_count(name):
                self.warnings.append(
                    f"{name!r} counts the messages: no channel; --channels takes it"
                )
            elif not self.channels_given and message_text.is_housekeeping(name):
                self.warnings.append(
                    f"{name!r} says how the sender is: no channel; --channels takes it"
                )
            else:
                left.append(i)
        if not left:
            self.warnings = [t for t in self.warnings if "no channel" not in t]
        return left or list(range(len(self.channels)))

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
        if self.bad[message_text.BYTES] > 0.1 * len(self.rows):
            raise EdgekitError(f"{source}: what arrives {message_text.BYTES}")
        samples, rate, how, meta = self.on_time_grid()
        left += self.warnings
        missing = int(np.isnan(samples).all(axis=1).sum())
        if missing:
            left.append(f"{missing:,} of {len(samples):,} samples are missing, each in its place")
        meta |= {"rate_from": how, "recorded": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
        if left:
            meta["notes"] = left
        texts = (group or name, self.unit or "as sent", licence or "not stated", source)
        group, unit, licence, source = map(escape.encodable, texts)
        label = label and escape.encodable(label)
        channels = tuple(map(escape.encodable, self.channels))
        return Recording(
            name, samples, rate, label, group, "field", channels, unit, licence, source, meta,
        )  # fmt: skip


def _is_sender_identity(key: str, value) -> bool:
    """Whether a value names the sender, or one of its sensors; a bare noun with a number may be a reading."""
    known = column_roles.identity(key)
    sure = known is not None and (known[1] or isinstance(value, str))
    return sure or (
        isinstance(value, str) and (column_roles.is_field(key) or column_roles.is_sensor(key))
    )


def _acquired(payload) -> bool:
    """Whether it is that of an acquisition in Edge Impulse's format."""
    return isinstance(payload, dict) and {"values", "sensors"} <= set(payload)


def _stamp(values: dict) -> tuple[object, float | None, str]:
    """The value of a message that is its time, its number, and the name that tells its unit; a date or a
    time of day is in seconds, whatever it is called.

    A longer name goes before `t`, which may be a temperature.
    """
    named = [k for k in values if column_roles.is_time(str(k)) and not isinstance(values[k], bool)]
    named.sort(key=lambda k: column_roles.tokens(str(k)) == ["t"])
    for key in named:
        value = values[key]
        if (ticks := message_text.number(value)) is not None:
            return key, ticks, str(key)
        if isinstance(value, str) and (at := message_text.moment(value)) is not None:
            return key, at, ARROW
    return None, None, ""


def _damaged(payload: bytes) -> bool:
    """Whether a message was once a row: mostly digits and what stands between them, or JSON."""
    text = payload.strip()
    inside = sum(c in b'0123456789+-.,;: \t{}[]"' for c in text)
    return bool(text) and (text[:1] in (b"{", b"[") or 2 * inside >= len(text))
