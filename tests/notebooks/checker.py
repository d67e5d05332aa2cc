"""The rules that keep a chapter readable: `python -m tests.notebooks.checker notebooks/*.ipynb`.

A notebook of `notebooks/extra/` has no number: it is about one use case, stands outside of the pipeline,
and so has no contract, no choice of use case and no gate.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from statistics import median

from edgekit.pipeline.artefacts import ARTEFACTS

ROWS = ("Goal", "You need", "Reads", "Writes", "Time")
EXTRA_ROWS = ("Goal", "You need", "Time")
PARAMETERS = ("use_case", "profile", "run_dir", "seed", "offline")
EXTRA_PARAMETERS = ("profile", "seed")
TAGS = {"parameters", "check", "solution", "interactive", "report", "slide"}
LONGEST_CELL, LONGEST_DEF, USUAL_CELL = 25, 10, 4


def problems(notebook: dict, name: str) -> list[str]:
    """What is wrong with a notebook, a sentence each."""
    cells = notebook["cells"]
    code = [c for c in cells if c["cell_type"] == "code"]
    chapter = name[0].isdigit()
    return [
        *_opening(notebook, name if chapter else None),
        *_parameters(code, PARAMETERS if chapter else EXTRA_PARAMETERS),
        *_code(code),
        *(_gate(cells) if chapter else ()),
        *(_teaching(cells, name) if chapter else ()),
        *_ending(cells),
        *(f"cell {c['id']} has outputs: run nbstripout" for c in code if c["outputs"]),
        *(
            f"cell {c['id']} has an unknown tag {tag!r}"
            for c in cells
            for tag in set(c["metadata"].get("tags", [])) - TAGS
        ),
        *(["cell ids are not unique"] if len({c["id"] for c in cells}) < len(cells) else []),
    ]


def artefact_problems(notebooks: dict[str, dict]) -> list[str]:
    """Where the chapters, by name, and the table of artefacts disagree; and what is written for nobody."""
    found = []
    for name, artefact in ARTEFACTS.items():
        if not artefact.readers:
            found.append(f"{name} is written and nobody reads it: give it a reader, or drop it")
        for chapter in (artefact.writer, *artefact.readers):
            if chapter[0].isdigit() and chapter not in notebooks:
                found.append(f"{name}: there is no chapter {chapter}")
    for chapter, notebook in notebooks.items():
        contract = notebook["metadata"]["edgekit"]
        named = {
            "writes": {n for n, a in ARTEFACTS.items() if a.writer == chapter},
            "reads": {n for n, a in ARTEFACTS.items() if chapter in a.readers},
        }
        for what, names in named.items():
            own = {n for n in names if ARTEFACTS[n].writer[0].isdigit()}
            for name in sorted(own ^ set(contract[what])):
                found.append(
                    f"{chapter} {what} {name} by its metadata or by ARTEFACTS, not by both"
                )
        code = [_text(c) for c in notebook["cells"] if c["cell_type"] == "code"]
        for what, verbs in (("writes", ("save", "writing")), ("reads", ("load", "file"))):
            called = _called(code, verbs)
            for name in contract[what]:
                if not any(re.fullmatch(pattern, name) for pattern in called):
                    found.append(f"{chapter} {what} {name}, but no cell does")
    return found


def _called(cells: list[str], verbs: tuple[str, ...]) -> list[str]:
    """What `run.<verb>(…)` is given in these cells, as patterns: an f-string's holes match anything."""
    patterns = []
    for node in (n for cell in cells for n in ast.walk(ast.parse(cell))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        if node.func.attr not in verbs or ast.unparse(node.func.value) != "run":
            continue
        parts = getattr(node.args[0], "values", [node.args[0]])
        patterns.append(
            "".join(re.escape(p.value) if isinstance(p, ast.Constant) else ".+" for p in parts)
        )
    return patterns


def _opening(notebook: dict, name: str | None):
    text = _text(notebook["cells"][0])
    start = f"# {name[:2]} · " if name else "# "
    if not re.match(rf"{start}\S", text):
        yield f"the first cell must open with '{start}…'"
    if "You will" not in text:
        yield "the first cell must say what 'You will …'"
    table = dict(re.findall(r"^\| \*\*(.+?)\*\* \| (.+?) \|$", text, re.M))
    for row in ROWS if name else EXTRA_ROWS:
        if row not in table:
            yield f"the opening table lacks a row '| **{row}** | … |'"
    contract = notebook["metadata"].get("edgekit", {})
    for row in ("Reads", "Writes") if name else ():
        shown = re.findall(r"`([^`]+)`", table.get(row, ""))
        if shown != contract.get(row.lower()):
            yield f"{row} shows {shown}, the metadata says {contract.get(row.lower())}"


def _parameters(code: list[dict], wanted: tuple[str, ...]):
    tagged = [c for c in code if "parameters" in _tags(c)]
    if len(tagged) != 1 or tagged[0] is not code[0]:
        yield "the first code cell, and only it, must be tagged 'parameters'"
        return
    lines = [line for line in _text(tagged[0]).splitlines() if line.strip()]
    for line in lines:
        if not re.match(r"\w+ = .+  # \S", line):
            yield f"parameter without a comment that becomes its help: {line}"
    names = {line.split(" = ")[0] for line in lines}
    for missing in sorted(set(wanted) - names):
        yield f"there is no parameter {missing}"
    if 'profile = "quick"' not in _text(tagged[0]):
        yield "the committed profile must be quick"


def _code(code: list[dict]):
    lengths = []
    for cell in code:
        lines = [line for line in _text(cell).splitlines() if line.strip()]
        lengths.append(len(lines))
        if len(lines) > LONGEST_CELL:
            yield f"cell {cell['id']} has {len(lines)} lines, at most {LONGEST_CELL} are read"
        for node in ast.walk(ast.parse(_text(cell))):
            if isinstance(node, ast.ClassDef):
                yield f"cell {cell['id']} defines a class: move it to the library"
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= LONGEST_DEF:
                yield f"cell {cell['id']}: {node.name}() is long: move it to the library"
    if median(lengths) > USUAL_CELL:
        yield f"the median cell has {median(lengths)} lines, at most {USUAL_CELL} are pleasant"


def _gate(cells: list[dict]):
    gates = [i for i, c in enumerate(cells) if "run.gate(" in _text(c)]
    if len(gates) != 1 or cells[gates[0]]["cell_type"] != "code":
        yield "one code cell must call run.gate(…)"
        return
    for cell in cells[gates[0] + 1 :]:
        if cell["cell_type"] == "code" and not {"solution", "report"} & set(_tags(cell)):
            yield f"cell {cell['id']} comes after the gate and is neither solution nor report"


def _teaching(cells: list[dict], name: str):
    """A diagram, a formula, one thing by hand with a check, exercises that check themselves, sources."""
    text = "\n".join(map(_text, cells))
    for wanted, what in {
        "view.plot_chapter(": "diagram",
        "$$": "formula",
        "### By hand": "thing built by hand",
        f"](exercises/{name}.ipynb)": "link to its exercises",
        "**Sources.**": "list of sources",
    }.items():
        if wanted not in text:
            yield f"there is no {what} ({wanted})"
    if not any("check" in _tags(c) for c in cells):
        yield "no cell is tagged 'check'"


def _ending(cells: list[dict]):
    text = "\n".join(_text(c) for c in cells[len(cells) // 2 :])
    for wanted in ("You have", "xercise"):
        if wanted not in text:
            yield f"at the end, '{wanted}…' is missing"


def _text(cell: dict) -> str:
    return "".join(cell["source"])


def _tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def main(paths: list[str]) -> int:
    notebooks = {Path(p): json.loads(Path(p).read_text(encoding="utf-8")) for p in paths}
    found = [
        f"{p}: {why}" for p, notebook in notebooks.items() for why in problems(notebook, p.stem)
    ]
    chapters = {p.stem: notebook for p, notebook in notebooks.items() if p.stem[0].isdigit()}
    if len(chapters) > 1:
        found += artefact_problems(chapters)
    print(*found, sep="\n", end="\n" if found else "")
    bad = len(found)
    print(f"{len(paths)} notebooks, {bad} problems")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
