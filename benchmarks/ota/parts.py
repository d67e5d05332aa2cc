"""How mutants are built: warnings are no errors, what runs here comes from the system's compiler."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from edgekit.emulate import toolchain


def compile_mutants(folder: Path) -> None:
    """From now on this process builds mutants and keeps what it compiles in `folder`.

    A mutant may leave a parameter unused. The toolchain compiles file by file, so of a program where one
    file changes only that one is compiled again.
    """
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")  # nothing of a mutant stays in the user's
    plain, zig, here = toolchain._made, toolchain._zig(), shutil.which("cc")

    def made(files, command, target):
        command = [word for word in command if word != "-Werror"]
        if here and target == "this machine" and tuple(command[: len(zig)]) == zig:
            command = [here, *(w for w in command[len(zig) :] if w != "-fno-sanitize=all")]
        return plain(files, command, target)

    toolchain._made = made
