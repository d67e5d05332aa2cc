"""What recordings show, said by a person: stretches of a signal, boxes in the frames of a film.

There is no screen here (`view.label` draws it): every change is a value on a stack, so that it can be undone,
and nothing touches a file before `save`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data import recording_file
from edgekit.data.recordings import Recording
from edgekit.data.video import Box

CONFIRMED = "confirmed"  # key in a recording's meta: a person looked at it


class Labelling:
    """Recordings while somebody labels them. `at` is the one in view, `classes` the words to choose from.

    Labels may be words that `classes` does not have yet; they join it. Raises EdgekitError without
    recordings, or for names that occur twice.
    """

    def __init__(self, recordings: list[Recording], classes=()):
        if not recordings:
            raise EdgekitError("there is nothing to label: no recordings")
        if len({r.name for r in recordings}) < len(recordings):
            raise EdgekitError("two recordings have the same name; give each its own")
        self.recordings = [_with_boxes(r) for r in recordings]
        found = [r.label for r in recordings if r.label]
        found += [e[2] for r in recordings for e in r.events]
        found += [b.label for r in self.recordings for f in r.meta.get("boxes", ()) for b in f]
        self.classes = list(dict.fromkeys([*classes, *sorted(set(found))]))
        self.at = 0
        self.changed: set[str] = set()
        self._past: list[tuple[int, Recording, bool]] = []

    @property
    def recording(self) -> Recording:
        return self.recordings[self.at]

    @property
    def status(self) -> str:
        """Where we are, and what has been done so far, as a line."""
        return (
            f"{self.at + 1} of {len(self.recordings)}, {len(self.changed)} changed, "
            f"{self.undo_count} to undo"
        )

    @property
    def undo_count(self) -> int:
        return len(self._past)

    def go(self, step: int) -> Recording:
        """The next recording (1), the one before (-1), …; stays at the ends."""
        self.at = int(np.clip(self.at + step, 0, len(self.recordings) - 1))
        return self.recording

    def in_view(self, share: float, scroll: float) -> tuple[int, int]:
        """First sample and stop of the part of the recording that is shown: its `share`, at least 16
        samples, `scroll` of the way along (both 0…1)."""
        n = len(self.recording.samples)
        length = max(16, int(share * n))
        first = int(scroll * max(0, n - length))
        return first, min(n, first + length)

    def boxes(self, frame: int) -> list[Box]:
        """What is marked in a frame of the recording."""
        boxes = self.recording.meta.get("boxes")
        return list(boxes[frame]) if boxes else []

    def label_all(self, label: str) -> None:
        """The whole recording shows `label`."""
        self._set(label=self._word(label), events=())

    def mark(self, first: int, stop: int, label: str) -> None:
        """Samples `first` up to, not with, `stop` show `label`; what was marked there gives way."""
        first, stop = max(0, int(first)), min(len(self.recording.samples), int(stop))
        if stop <= first:
            raise EdgekitError(f"a stretch from {first} to {stop} holds no sample")
        events = [e for old in self.recording.events for e in _less(old, first, stop)]
        events.append((first, stop, self._word(label)))
        self._set(events=tuple(sorted(events)))

    def clear(self, first: int, stop: int) -> None:
        """Nothing is marked between the samples `first` and `stop` any more."""
        events = [e for old in self.recording.events for e in _less(old, int(first), int(stop))]
        self._set(events=tuple(events))

    def confirm(self, frame: int | None = None) -> None:
        """What stands there is right: of the recording, or only of the boxes of one `frame`."""
        meta = dict(self.recording.meta)
        if frame is not None:
            boxes = [list(f) for f in meta["boxes"]]
            boxes[frame] = [
                b._replace(provenance="confirmed") if b.provenance == "proposed" else b
                for b in boxes[frame]
            ]
            meta["boxes"] = boxes
        done = frame is None or all(b.provenance != "proposed" for f in meta["boxes"] for b in f)
        self._set(meta=meta | ({CONFIRMED: True} if done else {}))

    def box(self, frame: int, which: int | None, box: tuple | None) -> None:
        """Correct the box number `which` of a frame to `box` (x, y, width, height, label); None removes
        it. With `which` None, `box` is a new one."""
        frames, _, _ = self.recording.samples.shape
        boxes = [list(f) for f in self.recording.meta.get("boxes", [()] * frames)]
        if which is not None and not 0 <= which < len(boxes[frame]):
            raise EdgekitError(f"frame {frame} has no box {which}")
        if box is not None:
            x, y, width, height, label = box
            if min(width, height) <= 0:
                raise EdgekitError("a box needs a width and a height")
            box = Box(
                float(x), float(y), float(width), float(height), self._word(label), "corrected"
            )
        if which is None:
            boxes[frame] += [box] if box else []
        elif box is None:
            del boxes[frame][which]
        else:
            boxes[frame][which] = box
        self._set(meta={**self.recording.meta, "boxes": boxes})

    def undo(self) -> None:
        """Take the last change back, wherever it was; nothing if there is none."""
        if self._past:
            self.at, before, was_changed = self._past.pop()
            self.recordings[self.at] = before
            if not was_changed:
                self.changed.discard(before.name)

    def save(self, folder: Path | str, everything: bool = False) -> list[Path]:
        """Write the recordings that were changed (or `everything`) to `folder`; returns their paths."""
        chosen = [r for r in self.recordings if everything or r.name in self.changed]
        paths = [recording_file.save(r, Path(folder) / f"{_file(r.name)}.npz") for r in chosen]
        self.changed.clear()
        self._past = [(at, before, True) for at, before, _ in self._past]
        return paths

    def _word(self, label: str) -> str:
        word = str(label).strip()
        if not word:
            raise EdgekitError("a label needs a word")
        if word not in self.classes:
            self.classes.append(word)
        return word

    def _set(self, **change) -> None:
        before = self.recording
        self._past.append((self.at, before, before.name in self.changed))
        self.recordings[self.at] = replace(before, **change)
        self.changed.add(before.name)

    def _repr_html_(self) -> str:
        done = sum(bool(r.meta.get(CONFIRMED)) for r in self.recordings)
        return (
            f"<p>{len(self.recordings)} recordings, {done} confirmed, {len(self.changed)} changed and "
            f"not saved; classes: {', '.join(self.classes) or 'none yet'}</p>"
        )


def _less(event: tuple[int, int, str], first: int, stop: int) -> list[tuple[int, int, str]]:
    """What is left of a stretch outside of `first` … `stop`."""
    a, b, label = event
    return [(x, y, label) for x, y in ((a, min(b, first)), (max(a, stop), b)) if y > x]


def _with_boxes(recording: Recording) -> Recording:
    """Boxes come back from a file as lists."""
    boxes = recording.meta.get("boxes")
    if boxes is None:
        return recording
    try:
        kept = [[Box(*b) for b in frame] for frame in boxes]
    except TypeError:
        raise EdgekitError(f"{recording.name}: its boxes make no sense") from None
    if len(kept) != len(recording.samples):
        raise EdgekitError(
            f"{recording.name}: boxes of {len(kept)} frames, not {len(recording.samples)}"
        )
    return replace(recording, meta={**recording.meta, "boxes": kept})


def _file(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_.+" else "_" for c in name)
