"""Builds in parts, for mutants: of a program where one file changes only that one is compiled again."""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from edgekit.core.errors import EdgekitError

ONCE = ("-shared", "-s")  # of a command: only where the parts come together


def compile_in_parts(folder: Path) -> None:
    """From now on this process builds in parts and keeps them in `folder`. Warnings are no errors:
    a mutant may leave a parameter unused. What runs here comes from the system's compiler if there is one."""
    build = importlib.import_module("edgekit.emulate.build")  # a function has the same name
    native = importlib.import_module("edgekit.agent.native")
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")  # nothing of a mutant stays in the user's
    zig = (sys.executable, "-m", "ziglang", "cc")
    here = (shutil.which("cc"),) if shutil.which("cc") else zig

    def link(files, command, words, cpu):
        command = tuple(word for word in command if word != "-Werror")
        if cpu == "this machine":
            command = (*here, *command[len(zig) if command[: len(zig)] == zig else 1 :])
        needed = build.CPUS[cpu][3] if cpu in build.CPUS else ()
        check = "".join(f"#ifndef {m}\n#error {m} is off for {cpu}\n#endif\n" for m in needed)
        files = {**files, "edgekit_features.c": check + "typedef int edgekit_features;\n"}
        script = ("-Wl,--gc-sections", "-Wl,-T,link.ld") if "link.ld" in files else ()
        return together(folder, files, command, (*script, *words), cpu).read_bytes()

    def compile_host(files, flags, sanitize=""):
        kind = (native.SANITIZERS[sanitize], *native.CHECKED) if sanitize else ()
        flags = [f for f in (*native.FLAGS, *flags, *kind) if f != "-Werror"]
        return together(folder, files, (*here, *flags), (), "this machine")

    build._link, native.compile_host = link, compile_host


def together(folder: Path, files: dict, command: tuple, words: tuple, what: str) -> Path:
    """The program of these files. Raises EdgekitError with the compiler's first error."""
    own = [word for word in command if word not in ONCE and not word.startswith("-Wl,")]
    if any("gcc" in word or word.endswith("cc") for word in own[:1]):
        own = [word for word in own if word != "-fno-sanitize=all"]
    parts = folder / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    names = sorted((n for n in files if n.endswith(".c")), key=lambda n: n.removeprefix("edgekit_"))
    keys = {n: _key(n, {x: files[x] for x in _included(n, files)}, own) for n in names}
    made = parts / f"{_key('program', keys, [files.get('link.ld', ''), *command, *words])}.program"
    if made.exists():
        return made
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        for file, text in files.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_text(text, "utf-8")
        for file in names:
            part = parts / f"{keys[file]}.o"
            if not part.exists():
                _call([*own, "-c", file, "-o", "part.o"], place, what)
                os.replace(place / "part.o", part)
        objects = [parts / f"{keys[file]}.o" for file in names]
        whole = [word for word in command if word in own or word in ONCE]
        _call([*whole, *map(str, objects), *words, "-o", "whole"], place, what)
        os.replace(place / "whole", made)
    return made


def _call(command: list, place: Path, what: str) -> None:
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=300)
    if done.returncode:
        lines = [s for s in done.stderr.splitlines() if "error" in s] or [done.stderr[-300:]]
        raise EdgekitError(f"compiling for {what} failed: {lines[0].strip()}")


def _included(name: str, files: dict, seen: tuple = ()) -> tuple[str, ...]:
    """A file and what it includes of the others."""
    seen = (*seen, name)
    for other in re.findall(r'^\s*#\s*include "([^"]+)"', files[name], re.MULTILINE):
        if other in files and other not in seen:
            seen = _included(other, files, seen)
    return seen


def _key(*what) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()[:32]
