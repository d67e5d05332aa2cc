"""Use cases: what differs between them, and only that.

A use case is a folder with `usecase.py`, `design.toml` and, if it has something to say to its reader,
`notes.md`: the kit's own live here, a user's in `usecases/` of the project. To make one, copy a folder,
or let `edgekit new` write it from your files.

`usecase.py` defines, by these names:

    CLASSES, NORMAL    class names; the one that means "nothing to report", or None
    RATE, SENSITIVITY  Hz of what `prepare` returns; physical units per int16 count of the sensor, or None
    recordings(domain, profile, offline, seed)   Recordings of the "lab" or the "field"; their `source`
                       names the data card
    prepare(recording) resampled, centred, filtered: ready to be cut
    windows(recordings, profile)                 the Windows that are judged one by one
    split(windows, seed), folds(windows, k, seed)  whole groups only
    augment(X, rng)    X (n, time, channel) as another machine, person or day would have given it
    features, waveform what the student and what the teacher hear: steps of `edgekit.signal`
    descriptor(X)      (n, d) table for the classical methods of chapter 02
    teacher, student   (input_shape, classes, width, seed) -> Keras model that ends in logits
    WIDTHS, FIT        how wide, and how long they are trained, see bearing/usecase.py
    SWEEP              windows and deals of the width sweep, seeds of each row of the ledger (full profile)
    ALIGN              methods of chapter 02 that only this use case knows: name -> function(heard), an
                       `adapt.Heard`, that returns a training table (X (n, d), y (n,))
    SEARCH             need not be there: {"features": {name: step}}, cheaper or richer steps that
                       `edgekit search` may put in place of `features`, and any list of search/space.py
    BY_CLASS           need not be there: True where a class is so rare that a chapter which takes only some
                       windows should take as many of each
    choose(field)      need not be there: takes another field, as `edgekit run NAME -p field=…` names it, with
                       all that depends on it (MARKS); raises EdgekitError for one that it does not know
    FEATURE_AXIS, FEATURE_LABEL, WAVE_LABEL, MARKS   what pictures write on their axes
"""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

from edgekit.core import naming
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.data.windows import subsample

KIT = Path(__file__).parent


def known(root: Path) -> dict[str, Path]:
    """Name -> folder, the project's own first."""
    folders = [*sorted((root / "usecases").glob("*")), *sorted(KIT.glob("*"))]
    found = {}
    for folder in folders:
        if (folder / "usecase.py").is_file():
            found.setdefault(folder.name, folder)
    return found


def folder(name: str, root: Path) -> Path:
    """The use case's folder. Raises EdgekitError for an unknown name, or one that C cannot have."""
    cases = known(root)
    if name not in cases:
        raise EdgekitError(f"there is no use case {name!r}.{did_you_mean(name, cases)}")
    if why := naming.check(name):
        raise EdgekitError(f"rename {cases[name]}: its C code bears the folder's name, and {why}")
    return cases[name]


def refuse_taken(name: str) -> None:
    """Raises EdgekitError for a name that one of the kit's own use cases has, which a new one would hide."""
    if (KIT / name / "usecase.py").is_file():
        raise EdgekitError(f"{name!r} is one of the kit's own use cases: take another name")


def notes(name: str, root: Path, chapter: str) -> str:
    """What the use case's `notes.md` says of a chapter ("01"): the text below `## 01`, or ""."""
    path = folder(name, root) / "notes.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = re.search(rf"^## {re.escape(chapter)}\b.*?\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return found.group(1).strip() if found else ""


def load(name: str, root: Path) -> ModuleType:
    """The use case's module. Raises EdgekitError if it cannot be loaded, and later, on the first use
    of a name that it should define and does not.
    """
    path = folder(name, root) / "usecase.py"
    spec = importlib.util.spec_from_file_location(f"edgekit_usecase_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look their module up

    def missing(wanted: str):
        if wanted.startswith("_"):
            raise AttributeError(wanted)
        raise EdgekitError(f"{path} does not define {wanted}; see {KIT / 'bearing' / 'usecase.py'}")

    module.__getattr__ = missing
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a user's file raises, in one line
        raise EdgekitError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
    return module


def some(case, windows, most: int):
    """At most about `most` windows of a use case, as even over groups and classes as it asks for."""
    return subsample(windows, most, by_class=vars(case).get("BY_CLASS", False))


def choose(case: ModuleType, field: str) -> None:
    """Let a use case take another field than its own; nothing for an empty one.

    Raises EdgekitError where it has no other, or does not know this one.
    """
    if not field:
        return
    if not isinstance(field, str) or "choose" not in vars(case):
        raise EdgekitError(f"field = {field!r}: this use case has one field only; leave it empty")
    case.choose(field)


def variants(case) -> dict:
    """What the student may hear: name -> step; `"features"`, the use case's own, always comes first."""
    return {"features": case.features, **vars(case).get("SEARCH", {}).get("features", {})}


def preprocessors(case) -> dict:
    """All that a network of the chain may be given: name -> step; `model.json` names one as its input."""
    return {"teacher_input": case.teacher_input, **variants(case)}
