"""Look at recordings and say what they show: stretches of a signal, boxes in the frames of a film.

`Labelling` is the work itself, without any screen: every change is a value on a stack, so that it can be
undone, and nothing touches a file before `save`. `label` draws it: controls in JupyterLab, a plain picture
for everybody else.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from edgekit.core.errors import EdgekitError
from edgekit.core.escape import picture
from edgekit.data import recording_file as recording_format
from edgekit.data.recordings import Recording
from edgekit.data.video import Box
from edgekit.view.explore import interactive
from edgekit.view.signals import COLOURS

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
    def undo_count(self) -> int:
        return len(self._past)

    def go(self, step: int) -> Recording:
        """The next recording (1), the one before (-1), …; stays at the ends."""
        self.at = int(np.clip(self.at + step, 0, len(self.recordings) - 1))
        return self.recording

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
        paths = [recording_format.save(r, Path(folder) / f"{_file(r.name)}.npz") for r in chosen]
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


# ---------------------------------------------------------------------------------------- pictures


def draw_signal(
    recording: Recording, first: int = 0, stop: int | None = None, classes=(), chosen=None
):
    """Samples `first` … `stop` of each channel (at most six), marked stretches coloured by label, the
    `chosen` one (first, stop) in grey. Returns the axes."""
    stop = min(stop or len(recording.samples), len(recording.samples))
    count = min(6, recording.samples.shape[1])
    _, axes = plt.subplots(
        count,
        1,
        figsize=(9, 0.9 + (2.2 if count == 1 else 0.75 * count)),
        sharex=True,
        squeeze=False,
    )
    step = max(1, (stop - first) // 4000)  # more points than pixels only cost time
    seconds = np.arange(first, stop, step) / recording.rate
    units = recording.meta.get("units") or [recording.unit] * count
    for c, axis in enumerate(axes[:, 0]):
        axis.plot(seconds, recording.samples[first:stop:step, c], color="0.25", lw=0.7)
        axis.set_ylabel(f"{picture(recording.channels[c])}\n({picture(units[c])})", fontsize=8)
        _shade(axis, recording, first, stop, classes, said=c == 0)
        if chosen:
            axis.axvspan(
                chosen[0] / recording.rate, chosen[1] / recording.rate, color="0.4", alpha=0.2
            )
    axes[-1, 0].set_xlabel("time (s)")
    axes[-1, 0].set_xlim(first / recording.rate, stop / recording.rate)
    axes[0, 0].set_title(_title(recording), pad=16, fontsize=10)
    # by hand, because a layout engine takes longer than all the rest
    axes[0, 0].figure.subplots_adjust(0.09, 0.13, 0.98, 0.87)
    return axes[:, 0]


def _shade(axis, recording: Recording, first: int, stop: int, classes, said: bool) -> None:
    """The marked stretches between two samples, with their words above where `said`."""
    classes = list(classes)
    for a, b, word in recording.events:
        if b <= first or a >= stop:
            continue
        low, high = max(a, first) / recording.rate, min(b, stop) / recording.rate
        colour = COLOURS[classes.index(word) % len(COLOURS)] if word in classes else "0.5"
        axis.axvspan(low, high, color=colour, alpha=0.25, lw=0)
        if said:
            middle = ((low + high) / 2, 1)
            axis.annotate(
                picture(word), middle, xycoords=("data", "axes fraction"), ha="center", va="bottom", size=8,
                color=colour,
            )  # fmt: skip


def draw_boxes(recording: Recording, frame: int = 0, classes=(), chosen: int | None = None):
    """One frame with its boxes: dashed while only proposed, thick the `chosen` one. Returns the axes."""
    _, axis = plt.subplots(figsize=(7, 5), layout="constrained")
    axis.imshow(recording.samples[frame], cmap="gray", vmin=0, vmax=255)
    for i, box in enumerate(recording.meta.get("boxes", [()] * (frame + 1))[frame]):
        k = list(classes).index(box.label) if box.label in classes else 0
        colour = COLOURS[(k + 1) % len(COLOURS)]
        axis.add_patch(
            Rectangle(
                (box.x, box.y), box.width, box.height, fill=False, color=colour,
                lw=3 if i == chosen else 1.3, ls="--" if box.provenance == "proposed" else "-",
            )
        )  # fmt: skip
        axis.annotate(
            f"{i} {picture(box.label)}", (box.x, box.y), color=colour, size=8, va="bottom"
        )
    axis.set(xlabel="x (pixel)", ylabel="y (pixel)")
    axis.set_title(f"{_title(recording)}, frame {frame} of {len(recording.samples)}", fontsize=10)
    return axis


def _title(recording: Recording) -> str:
    said = recording.label or ("stretches" if recording.events else "no label yet")
    done = ", confirmed" if recording.meta.get(CONFIRMED) else ""
    return picture(f"{recording.name}: {said}{done}")


def label(
    recordings: list[Recording] | str | Path, classes=(), folder: Path | str | None = None
) -> Labelling:
    """Label recordings, or those of a folder (`.npz`): controls in JupyterLab, else a picture of the first.

    Saved files go to `folder` (default: where they are from). Returns the Labelling, whose `recordings`
    hold what was said.
    """
    if isinstance(recordings, (str, Path)):
        folder = folder or recordings
        recordings = recording_format.load_folder(recordings)
    work = Labelling(recordings, classes)
    if interactive():
        from edgekit.view.label_controls import show

        show(work, folder)
    elif work.recording.samples.ndim == 3:
        draw_boxes(work.recording, 0, work.classes)
    else:
        draw_signal(work.recording, classes=work.classes)
    return work
