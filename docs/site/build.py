"""Build the docs site: `python docs/site/build.py [RUN ...]`, without a network, into build/site/html.

Its pages are those of the repository, laid out as they lie there, so that a link works in both places:
README.md and the like, docs/, the chapters, the exercises as students get them, and a page of the API for
each package. A chapter is shown as a RUN executed it, the first of them that has it; without one it is shown
without outputs, and says so.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from check import faults
from layout import lay_out

from edgekit.core.errors import EdgekitError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def build(runs: list[Path], out: Path, packages: tuple[str, ...] = ()) -> list[str]:
    """Write the site into `out`/html and return what is wrong with it, a line each.

    `runs` and `packages` as `lay_out` takes them; it raises EdgekitError for a folder that is no run.
    """
    out = out.resolve()
    lay_out(out / "source", runs, packages)
    options = [
        "-b",
        "html",
        "-c",
        str(HERE),
        "-d",
        str(out / "doctrees"),
        "-q",
        "-W",
        "--keep-going",
    ]
    command = [sys.executable, "-m", "sphinx", *options, str(out / "source"), str(out / "html")]
    wrong = ["Sphinx has warned, see above"] if subprocess.run(command, cwd=ROOT).returncode else []
    return wrong + faults(out / "html")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python docs/site/build.py", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "runs", nargs="*", type=Path, metavar="RUN", help="a folder of `edgekit run`"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", metavar="DIR")
    args = parser.parse_args()
    try:
        wrong = build(args.runs, args.out)
    except EdgekitError as error:
        wrong = [str(error)]
    print("\n".join(wrong) or f"{args.out / 'html' / 'index.html'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
