"""What the bundle says: how to install from it, and whose what in it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.bundle.platforms import Platform
from edgekit.bundle.wheels import metadata
from edgekit.core.escape import markdown
from edgekit.datasets import mitbih
from edgekit.datasets.sources import sources

if TYPE_CHECKING:
    from edgekit.bundle.wanted import Bundle

INSTALL = """\
# edgekit without internet

For {computers}, with Python {python} (64 bit) installed. Copy this folder to each computer and open a
terminal in the copy.
{commands}
Nothing is asked of the network: `--no-index` forbids it, and `wheels/` has every package, in the release that
the kit is tested with. `workspace/` is the learner's own: notebooks, pages, {data}, and the runs that they
make.

To see that a copy is whole: `sha256sum -c SHA256SUMS` (Linux) or `shasum -a 256 -c SHA256SUMS` (macOS),
before anybody works in it. Whose it all is: [LICENCES.md](LICENCES.md).
"""
COMMANDS = """
## {title}

```
{python} -m venv edgekit-env
{bin}python -m pip install --no-index --find-links wheels "edgekit{extras}"
cd workspace
{then}
```
"""
SYSTEMS = {  # what a platform's system calls itself -> its name, and an environment's folder of commands
    "Linux": ("Linux", "edgekit-env/bin/"),
    "Darwin": ("macOS", "edgekit-env/bin/"),
    "Windows": ("Windows", "edgekit-env\\Scripts\\"),
}


def install(wanted: Bundle) -> str:
    """INSTALL.md: for each system of the bundle the two commands, and what to type then."""
    systems = dict.fromkeys(p.system for p in wanted.platforms)
    return INSTALL.format(
        computers=_words([_title(p) for p in wanted.platforms]),
        python=wanted.python,
        commands="".join(_commands(s, wanted) for s in systems),
        data=f"the data ({', '.join(wanted.data)})" if wanted.data else "no data",
    )


def _commands(system: str, wanted: Bundle) -> str:
    title, folder = SYSTEMS[system]
    then = "edgekit doctor"
    if "notebooks" in wanted.extras:
        then = "jupyter lab notebooks/00_design.ipynb"
    return COMMANDS.format(
        title=title,
        python=f"py -{wanted.python}" if system == "Windows" else f"python{wanted.python}",
        bin=folder,
        extras=f"[{','.join(wanted.extras)}]" if wanted.extras else "",
        then=("..\\" if system == "Windows" else "../") + folder + then,
    )


def _title(platform: Platform) -> str:
    return f"{SYSTEMS[platform.system][0]} {platform.machine}"


def licences(data: tuple[str, ...], wheels: list[Path]) -> str:
    """LICENCES.md: of each data set, with whom to credit, and of each package as it says itself."""
    lines = ["# Whose it is", "", "## Data", ""]
    for name in data:
        if name == "mitbih":
            lines.append(f"- **mitbih**: {markdown(mitbih.LICENCE)}")
            continue
        source = sources()[name]
        lines.append(f"- **{name}**: {markdown(source.licence)}. {markdown(source.credit)}")
    lines += [
        "" if data else "None.",
        "## Packages",
        "",
        "| package | licence, as it says |",
        "|---|---|",
    ]
    said = {(m["Name"], m["Version"]): licence(m) for m in map(metadata, wheels)}
    for (name, version), words in sorted(said.items(), key=lambda row: str(row[0]).lower()):
        lines.append(f"| {markdown(f'{name} {version}')} | {markdown(words)} |")
    return "\n".join(lines) + "\n"


def licence(said) -> str:
    """A package's licence by its metadata: the expression, the classifiers, or the first line of the text."""
    if said["License-Expression"]:
        return said["License-Expression"]
    named = [
        c.split(" :: ")[-1] for c in said.get_all("Classifier") or () if c.startswith("License :: ")
    ]
    text = str(said["License"] or "").strip().splitlines()
    return ", ".join(named) or (text[0][:80] if text else "in the wheel")


def _words(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
