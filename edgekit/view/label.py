"""Look at recordings and say what they show: controls in JupyterLab, a plain picture for everybody else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgekit.core.notebook import interactive
from edgekit.data import recording_file
from edgekit.data.labelling import Labelling
from edgekit.data.recordings import Recording
from edgekit.view.label_pictures import draw_boxes, draw_signal


def label(
    recordings: list[Recording] | str | Path,
    classes: Sequence[str] = (),
    folder: Path | str | None = None,
) -> Labelling:
    """Label recordings, or those of a folder (`.npz`): controls in JupyterLab, else a picture of the first.

    `classes` are the words to choose from. Saved files go to `folder` (default: where they
    are from). Returns the Labelling, whose `recordings` hold what was said. Raises EdgekitError where there
    is nothing to label.
    """
    if isinstance(recordings, (str, Path)):
        folder = folder or recordings
        recordings = recording_file.load_folder(recordings)
    work = Labelling(recordings, classes)
    if interactive():
        from edgekit.view.label_controls import show

        show(work, folder)
    elif work.recording.samples.ndim == 3:
        draw_boxes(work.recording, 0, work.classes)
    else:
        draw_signal(work.recording, classes=work.classes)
    return work
