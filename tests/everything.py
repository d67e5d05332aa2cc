"""All that CI checks, in one command: `python -m tests.everything`.

Lint, layers, unit tests; types, here and on Windows; the wheel in an empty folder; every chapter at `quick`
with each of its cells run twice; the first chapters and the notebooks that stand alone under nbval; the chain
headless for the kit's use cases, each into a run directory of its own; and the docs site, with what a chain
showed. Notebooks wait a good part of their time (for a kernel, a compiler, one thread of a training), so two
of these run side by side.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
CHAPTERS, ALONE_NOTEBOOKS = (
    [str(p.relative_to(ROOT)) for p in sorted((ROOT / "notebooks").glob(pattern))]
    for pattern in ("[0-9]*.ipynb", "extra/*.ipynb")
)
# Their budgets are kept with room to spare; quick networks of the others come near theirs on some processors.
STRICT = {"bearing"}
# The chapters' own example runs in them already. The rest of a chain of pictures tells nothing new.
CHAINS = {"bearing": "fleet", "ecg": "federate", "people": "ota", "weeds": "ota"}
ALONE = ("ruff check", "ruff format", "layers", "notebook checker", "unit tests")


def steps(runs: str) -> dict[str, tuple[list[str], dict]]:
    """Name -> command and what it adds to the environment."""
    nbval = [
        "--nbval-lax",
        "--nbval-current-env",
        "--nbval-cell-timeout=300",
        "-p",
        "no:cacheprovider",
    ]
    return {
        "ruff check": ([PYTHON, "-m", "ruff", "check", "."], {}),
        "ruff format": ([PYTHON, "-m", "ruff", "format", "--check", "."], {}),
        "layers": ([str(Path(PYTHON).with_name("lint-imports")), "--no-cache"], {}),
        "notebook checker": (
            [PYTHON, "-m", "tests.notebooks.checker", *CHAPTERS, *ALONE_NOTEBOOKS],
            {},
        ),
        "unit tests": (
            [PYTHON, "-m", "pytest", "-q", "-n", "2", "--dist", "loadscope", "tests"],
            {},
        ),
        "types": ([PYTHON, "-m", "mypy"], {}),
        "types on Windows": (
            [PYTHON, "-m", "mypy", "--platform", "win32", "--cache-dir", ".mypy_cache/win32"],
            {},
        ),
        "the wheel in an empty folder": ([PYTHON, "-m", "benchmarks.wheel", "--example"], {}),
        "chapters, every cell twice (quick)": (
            [PYTHON, "-m", "tests.notebooks.twice", runs + "/twice", *CHAPTERS],
            {},
        ),
        "first chapters, and notebooks that stand alone (nbval, quick)": (
            [PYTHON, "-m", "pytest", "-q", *nbval, *CHAPTERS[:2], *ALONE_NOTEBOOKS],
            {"EDGEKIT_RUNS": runs + "/nbval"},
        ),
        **{
            f"the chain: {name}, through {last} (papermill, quick)": (
                [
                    *(PYTHON, "-m", "edgekit", "run", name, "--through", last),
                    *(["--strict"] if name in STRICT else []),
                ],
                {"EDGEKIT_RUNS": runs + "/chain"},
            )
            for name, last in CHAINS.items()
        },
    }


def timed(command: list[str], extra: dict, **how) -> tuple[subprocess.CompletedProcess, float]:
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **extra}, **how)
    return done, time.monotonic() - began


def main() -> int:
    failed = []

    def told(name: str, done: subprocess.CompletedProcess, seconds: float) -> None:
        code = done.returncode
        print(f"== {name}: {'ok' if code == 0 else f'exit {code}'}, {seconds:.0f} s\n", flush=True)
        if code:
            failed.append(name)

    with tempfile.TemporaryDirectory(prefix="edgekit-") as runs, ThreadPoolExecutor(2) as two:
        together = {}
        for name, (command, extra) in steps(runs).items():
            if name in ALONE:
                print(f"== {name}", flush=True)
                told(name, *timed(command, extra))
            else:
                how = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
                together[two.submit(timed, command, extra, **how)] = name
        for future in as_completed(together):
            done, seconds = future.result()
            print(f"== {together[future]}\n{done.stdout}", flush=True)
            told(together[future], done, seconds)
        print("== docs site", flush=True)
        site = ["docs/site/build.py", runs + "/chain/bearing-quick", "--out", runs + "/site"]
        told("docs site", *timed([PYTHON, *site], {}))
    print(f"failed: {', '.join(failed)}" if failed else "everything passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
