"""How the house is kept: `python -m benchmarks.house [--smoke] [--list] [--write]`; 1 where a bar is missed.

Import circles, layers, sizes of files and packages, texts and types of public functions, mypy, the figures of
the newest `make demo` against those recorded before, and the tests that add one core, operator, transport,
attack and use case by one file or record each. `--list` prints each finding, and runs no test. `--smoke` is
the same: it is a minute. The wheel has a benchmark of its own.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.bars import SOURCES, Bars, command
from benchmarks.house import demo, imports, public

KINDS = ("core", "operator", "transport", "attack", "use_case")
LINES, PACKAGE = 350, 4_500
BARS = Bars("house")


def structure(listed: bool) -> None:
    circles = imports.circles()
    tell(listed, [" ↔ ".join(group) for group in circles])
    BARS.add("import circles, lazy imports counted", "0", str(len(circles)), not circles)
    code, said = run(Path(sys.executable).with_name("lint-imports"), "--no-cache")
    kept = re.search(r"Contracts: .*", said)
    BARS.add("import-linter", "kept", kept.group() if kept else said.strip()[-80:], code == 0)
    ignored = (SOURCES / "pyproject.toml").read_text(encoding="utf-8")
    left = re.findall(r'"edgekit\.[\w.]+ -> edgekit', ignored)
    BARS.add("imports that the contract still excuses", "0", str(len(left)), not left)
    long = imports.long_files(LINES)
    tell(listed, [f"{path}: {lines} lines" for path, lines in long.items()])
    BARS.add(f"files over {LINES} lines, no tables, not vendored", "0", str(len(long)), not long)
    sizes = imports.packages()
    name = max(sizes, key=lambda n: sizes[n])
    BARS.add("own lines of the largest package", f"≤ {PACKAGE:,}", f"{sizes[name]:,} ({name})",
             sizes[name] <= PACKAGE)  # fmt: skip


def texts(listed: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        functions = list(public.public())
        untyped, undocumented = public.untyped(functions), public.undocumented(functions)
    tell(listed, [*untyped, *undocumented])
    BARS.add(
        "public functions and methods without types",
        "0",
        f"{len(untyped)} of {len(functions)}",
        not untyped,
    )
    without = {gap.function for gap in undocumented}
    shown = f"{len(without)} of {len(functions)} ({len(undocumented)} gaps)"
    BARS.add("public functions without shapes, units or errors", "0", shown, not without)


def types(listed: bool) -> None:
    code, said = run(sys.executable, "-m", "mypy")
    tell(listed, [line for line in said.splitlines() if ": error:" in line])
    last = (said.strip().splitlines() or ["mypy said nothing"])[-1]
    name = "mypy: strict on core, catalog, design; the rest"
    BARS.add(name, "no errors", re.sub(r" \(.*", "", last), code == 0)
    settings = tomllib.loads((SOURCES / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "mypy"
    ]
    left = [m for o in settings["overrides"] if o.get("ignore_errors") for m in o["module"]]
    tell(listed, left)
    BARS.add("packages and modules that mypy does not check yet", "0", str(len(left)), not left)


def figures(listed: bool) -> None:
    manifest = demo.newest()
    if manifest is None:
        BARS.add(
            "figures of make demo, before and after", "equal", "no full run of bearing here", False
        )
        return
    different = demo.differences(manifest)
    tell(listed, different)
    equal = f"{demo.count() - len(demo.CHANGED) - len(different)} of {demo.count()} equal"
    said = f"{equal}, {len(demo.CHANGED)} explained" if demo.CHANGED else equal
    BARS.add("figures of make demo, before and after", "equal", said, not different)


def additions() -> None:
    """Each suite's own test: a new one of its kind, one file or record, goes through."""
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider")

    def asked(kind: str) -> tuple[int, str]:
        tests = additions_of(kind)
        return run(sys.executable, *words, *tests) if tests else (1, "no test adds one")

    with ThreadPoolExecutor(2) as two:
        for kind, (code, said) in zip(KINDS, two.map(asked, KINDS), strict=True):
            last = (said.strip().splitlines() or ["nothing"])[-1]
            what = f"one more {kind.replace('_', ' ')}, one file or record"
            BARS.add(what, "accepted", last, code == 0)


def additions_of(kind: str) -> list[str]:
    """The tests that add one, as their names say: `test_a_new_core_…`, `test_one_more_transport_…`."""
    name = re.compile(rf"^def (test_(?:a_new|one_more)_{kind}_\w+)", re.M)
    files = sorted((SOURCES / "tests").rglob("test_*.py"))
    return [f"{f}::{t}" for f in files for t in name.findall(f.read_text(encoding="utf-8"))]


def run(*words: object) -> tuple[int, str]:
    """Exit code and everything that a command said."""
    done = subprocess.run(
        [str(w) for w in words],
        cwd=SOURCES,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def tell(listed: bool, found: list) -> None:
    for one in found if listed else []:
        print(f"      {one}", flush=True)


def measure(args) -> None:
    structure(args.list)
    texts(args.list)
    types(args.list)
    figures(args.list)
    if not args.list:
        additions()


if __name__ == "__main__":
    more = {"--list": {"action": "store_true", "help": "print each finding, run no test"}}
    sys.exit(command(BARS, measure, "the same: it is a minute", more))
