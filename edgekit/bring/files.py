"""Every file below a folder: which to read, and why the others are not."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from edgekit.core import escape
from edgekit.core.errors import EdgekitError
from edgekit.tables import file_types

MOST = 20_000


def listed(root: Path) -> tuple[dict[str, Path], dict[str, str], dict[str, str]]:
    """Name -> file to read, sorted; name -> why it cannot be read; name -> what stands beside the data.

    A name is the path below `root` with `/`, and what is not UTF-8 in it as escapes. Links are followed
    to files inside the folder that are not read themselves, and nowhere else; only ordinary files are
    opened. Raises EdgekitError for more than MOST files.
    """
    files: dict[str, Path] = {}
    failed: dict[str, str] = {}
    ignored: dict[str, str] = {}

    def unread(error: OSError) -> None:
        failed[_name(root, Path(error.filename)) + "/"] = f"cannot be opened ({error.strerror})"

    for folder, below, names in os.walk(root, onerror=unread):
        for b in sorted(below):
            path = Path(folder) / b
            if path.is_symlink():
                failed[_name(root, path) + "/"] = "is a link to a folder, which is not followed"
            elif b.startswith(".") or b == "__MACOSX":
                ignored[_name(root, path) + "/"] = "is hidden"
        below[:] = sorted(b for b in below if not b.startswith(".") and b != "__MACOSX")
        for n in sorted(names):
            path = Path(folder) / n
            name = _free(_name(root, path), files)
            if n.lower() in file_types.SYSTEM:
                continue
            if n.startswith("."):
                ignored[name] = "is hidden"
            elif why := _no_file(root, path):
                failed[name] = why
            elif file_types.is_auxiliary(path):
                ignored[name] = "is no data by its name"
            elif path.suffix.lower() not in file_types.KNOWN:
                failed[name] = file_types.unknown(path)
            else:
                files[name] = path
    _drop_doubles(root, files, failed)
    if len(files) > MOST:
        raise EdgekitError(f"{root} holds {len(files):,} files, more than {MOST:,}: take a part")
    return files, failed, ignored


def _name(root: Path, path: Path) -> str:
    return escape.encodable(path.relative_to(root).as_posix())


def _free(name: str, taken) -> str:
    """Two names that differ only in bytes that are not UTF-8 may look alike once escaped."""
    while name in taken:
        name += "'"
    return name


def _no_file(root: Path, path: Path) -> str:
    """Why a path is nothing to open; empty for an ordinary file."""
    try:
        if path.is_symlink():
            target = path.resolve(strict=True)
            if not target.is_relative_to(root.resolve()):
                return "is a link that leads out of the folder"
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "is a link to something that is not there"
    except (RuntimeError, OSError) as error:  # before Python 3.13 a loop is a RuntimeError
        if path.is_symlink() or not isinstance(error, OSError):
            return "is a link that leads nowhere"
        return f"cannot be opened ({error.strerror})"
    if stat.S_ISREG(mode):
        return ""
    what = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFDIR: "folder"}
    return f"is a {what.get(stat.S_IFMT(mode), 'device')}, no file"


def _drop_doubles(root: Path, files: dict[str, Path], failed: dict[str, str]) -> None:
    """A link to a file that is read itself would put the same samples on both sides of a split."""
    links = {name: path for name, path in files.items() if path.is_symlink()}
    if not links:
        return
    read = {p.resolve(): name for name, p in files.items() if name not in links}
    for name, path in links.items():
        if (other := read.setdefault(path.resolve(), name)) != name:
            failed[name] = f"is a link to {other}, which is read itself"
            del files[name]
