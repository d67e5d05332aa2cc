"""A classroom without internet: `python -m benchmarks.bundle [--smoke] [--write]`; 1 on a miss.

Makes the bundle of a course for every kind of computer, which downloads some gigabytes; then does in a
copy of it what INSTALL.md says, with every way to the network closed, makes it small, and runs the chapters
there on the data that came along. `--keep DIR` makes it there, so that the next call downloads little.
`--smoke` is the kit without extras, for this kind of computer, and runs no chapter.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bars import SOURCES, Bars, command
from edgekit.bundle import PLATFORMS, here

ENVIRONMENT = "edgekit-env"
EXTRAS = "train,device,notebooks"
DISK_GB = 2.0
CLOSED = "http://127.0.0.1:9"  # a proxy that nobody is: whatever asks the network fails at once
LEAVE = (
    "EDGEKIT",
    "PYTHON",
    "VIRTUAL_ENV",
    "PIP_",
    "UV_",
)  # nothing of this environment goes along
PYTHON = "{}.{}".format(*sys.version_info)
BARS = Bars("bundle")


def make(folder: Path, smoke: bool) -> tuple[int, str, float]:
    """Exit code, words and seconds of `edgekit bundle`."""
    names = [here()] if smoke else list(PLATFORMS)
    words = ["--python", PYTHON, "--extras", "none" if smoke else EXTRAS]
    words += [w for name in names for w in ("--platform", name)]
    words += [] if smoke else ["--data", "activity"]
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "edgekit", "bundle", "--out", folder, *words],
        cwd=SOURCES, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        print(done.stderr.strip())
    return done.returncode, done.stdout, time.monotonic() - began


def closed() -> dict[str, str]:
    """This environment, without what is set for the kit, for Python and for pip, and without a network."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(LEAVE)}
    return kept | dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), CLOSED)


def typed(copy: Path) -> list[str]:
    """The lines of INSTALL.md for this computer."""
    text = (copy / "INSTALL.md").read_text(encoding="utf-8")
    title = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}[sys.platform]
    return re.search(rf"^## {title}\n\n```\n(.*?)```", text, re.M | re.S)[1].splitlines()


def gigabytes(folder: Path) -> float:
    """What it takes on disk, as `du` counts: blocks, and a file with two names once."""
    found = {s.st_ino: s for p in folder.rglob("*") if (s := p.lstat())}
    return sum(getattr(s, "st_blocks", -(-s.st_size // 512)) * 512 for s in found.values()) / 1e9


def measure(args) -> None:
    with tempfile.TemporaryDirectory(prefix="edgekit-") as name:
        folder = Path(args.keep).resolve() if args.keep else Path(name, "bundle")
        code, said, seconds = make(folder, args.smoke)
        BARS.add("edgekit bundle", "exit 0", f"exit {code}, {seconds:.0f} s", code == 0)
        if code:
            return
        for title, size in re.findall(
            r"^(\S+), Python .*?\n(?:  .*\n)*?  together (.*) MB", said, re.M
        ):
            BARS.add(f"wheels for {title}", "all there", f"{size} MB", True)
        code, said, seconds = make(folder, args.smoke)
        again = said.count(".whl,")
        BARS.add("the same again: packages downloaded", "0", f"{again}, {seconds:.0f} s", not again)
        copy = Path(name, "copy")
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(ENVIRONMENT))
        install(copy)
        if not args.smoke:
            slim(copy)
            chapters(copy)
            on_disk(copy, "the same after chapters 00 to 05")


def install(copy: Path) -> None:
    """The two commands, and what came of them."""
    make_environment, pip, *_ = typed(copy)
    began = time.monotonic()
    done = None
    for line in (make_environment, pip, f"{pip.split(' install')[0]} check"):
        done = subprocess.run(
            line, shell=True, cwd=copy, env=closed(), capture_output=True, text=True
        )
        if done.returncode:
            break
    seconds = time.monotonic() - began
    shown = f"exit {done.returncode}, {seconds:.0f} s"
    BARS.add(
        "INSTALL.md's two commands, no network; pip check", "exit 0", shown, done.returncode == 0
    )
    if done.returncode:
        print((done.stdout + done.stderr).strip()[-2000:])
    on_disk(copy, "the environment on disk")


def on_disk(copy: Path, what: str) -> None:
    """A bar: what the environment takes."""
    there = gigabytes(copy / ENVIRONMENT)
    BARS.add(what, f"≤ {DISK_GB} GB", f"{there:.2f} GB", there <= DISK_GB)


def slim(copy: Path) -> None:
    """`edgekit slim --yes`; pip must still find everything whole."""
    python = scripts(copy) / "python"
    for words in (["-m", "edgekit", "slim", "--yes"], ["-m", "pip", "check"]):
        done = subprocess.run([python, *words], env=closed(), capture_output=True, text=True)
        print((done.stdout + done.stderr).strip())
        what = f"{' '.join(words[1:])} there"
        BARS.add(what, "exit 0", f"exit {done.returncode}", done.returncode == 0)
    on_disk(copy, "the environment after edgekit slim --yes")


def scripts(copy: Path) -> Path:
    """Where the environment has its commands."""
    return copy / ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")


def chapters(copy: Path) -> None:
    """00 to 05 on the real recordings that came along, in the learner's workspace."""
    began = time.monotonic()
    done = subprocess.run(
        [scripts(copy) / "edgekit", "run", "activity", "--through", "export"],
        cwd=copy / "workspace", env=closed(), capture_output=True, text=True,
    )  # fmt: skip
    shown = f"exit {done.returncode}, {time.monotonic() - began:.0f} s"
    BARS.add(
        "edgekit run activity --through export, real data", "exit 0", shown, done.returncode == 0
    )
    if done.returncode:
        print((done.stdout + done.stderr).strip()[-2000:])


def main() -> int:
    more = {
        "--keep": {"metavar": "DIR", "help": "where the bundle is made, to complete it next time"}
    }
    return command(BARS, measure, "no extras, this kind of computer, no chapter", more)


if __name__ == "__main__":
    sys.exit(main())
