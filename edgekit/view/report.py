"""One page for one run: the verdicts first, then what each chapter found, then what it was made from."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from string import Template

from edgekit import project, usecases
from edgekit.design import Design, Verdicts
from edgekit.design import load as load_design
from edgekit.errors import EdgekitError
from edgekit.figures import Figure
from edgekit.run import read_manifest
from edgekit.whole import whole


def write(directory: Path) -> Path:
    """Write `report.html` and a page for each executed chapter; returns the report's path.

    Raises EdgekitError if the directory holds no run.
    """
    manifest = read_manifest(directory)
    if not manifest.get("steps"):
        raise EdgekitError(f"{directory} holds no finished chapter; start with `edgekit run`")
    design = load_design(usecases.folder(manifest["use_case"], project.root()) / "design.toml")
    steps = {
        name: {**step, "verdicts": Verdicts.from_dicts(step["verdicts"])}
        for name, step in manifest["steps"].items()
    }
    notebooks = {name: directory / "notebooks" / f"{name}.ipynb" for name in steps}
    for path in notebooks.values():
        if path.is_file():
            chapter_page(path)
    passed = all(step["verdicts"].passed for step in steps.values())
    page = Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))
    html = page.substitute(
        title=escape(design.use_case.title),
        question=escape(design.use_case.question),
        badge="pass" if passed else "fail",
        verdict="within budget" if passed else "over budget",
        summary=_summary(design, manifest),
        stages="".join(_stage(name, step, len(steps)) for name, step in steps.items()),
        budget=_final_verdicts(steps)._repr_html_(),
        chapters="".join(_chapter(n, steps[n], notebooks[n]) for n in steps),
        figures=_figures(steps),
        inputs=_hashes(steps),
        versions=_versions(manifest),
    )
    target = directory / "report.html"
    with whole(target) as half:
        half.write_text(html, encoding="utf-8")
    return target


def chapter_page(notebook: Path) -> Path:
    """The executed notebook as a page beside it; made again only if the notebook is newer."""
    page = notebook.with_suffix(".html")
    if page.is_file() and page.stat().st_mtime >= notebook.stat().st_mtime:
        return page
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(mathjax_url="", require_js_url="", jquery_url="")
    body, _ = exporter.from_filename(str(notebook))
    page.write_text(body, encoding="utf-8")
    return page


def _summary(design: Design, manifest: dict) -> str:
    parts = [
        f"{design.board.name}",
        f"{design.link.name}",
        f"{design.battery.name}",
        f"profile {manifest['profile']}",
    ]
    if any(step["parameters"].get("offline") for step in manifest["steps"].values()):
        parts.append("simulated data only (--offline)")
    return " · ".join(escape(p) for p in parts)


def _stage(name: str, step: dict, n: int) -> str:
    colour = "pass" if step["verdicts"].passed else "fail"
    colour = colour if step["verdicts"] else "none"
    return f'<a class="stage {colour}" href="#{name}"><b>{name[:2]}</b>{escape(name[3:])}</a>'


def _final_verdicts(steps: dict) -> Verdicts:
    """A line that several chapters judged counts as the last of them judged it, failures first."""
    final = {v.key: v for step in steps.values() for v in step["verdicts"]}
    return Verdicts(sorted(final.values(), key=lambda v: v.passed))


def _chapter(name: str, step: dict, notebook: Path) -> str:
    title, shown = name, ""
    if notebook.is_file():
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        title = _title(cells) or name
        shown = "".join(map(_outputs, filter(_is_reported, cells)))
    link = f'<a href="notebooks/{name}.html">the whole chapter</a>'
    verdicts = step["verdicts"]._repr_html_() if step["verdicts"] else ""
    return (
        f'<section id="{name}"><h2>{escape(title)}</h2>{shown}{verdicts}'
        f"<p><small>{step['seconds']:.0f} s · {link}</small></p></section>"
    )


def _title(cells: list[dict]) -> str:
    for cell in cells:
        for line in "".join(cell["source"]).splitlines():
            if cell["cell_type"] == "markdown" and line.startswith("# "):
                return line[2:]
    return ""


def _is_reported(cell: dict) -> bool:
    return cell["cell_type"] == "code" and "report" in cell["metadata"].get("tags", [])


def _outputs(cell: dict) -> str:
    """A tagged cell's outputs, the richest form of each."""
    parts = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/png" in data:
            parts.append(f'<img src="data:image/png;base64,{_joined(data["image/png"]).strip()}">')
        elif "text/html" in data:
            parts.append(f'<div class="table">{_joined(data["text/html"])}</div>')
        elif "text/plain" in data:
            parts.append(f"<pre>{escape(_joined(data['text/plain']))}</pre>")
        elif "text" in output and output.get("name") == "stdout":
            parts.append(f"<pre>{escape(_joined(output['text']))}</pre>")
    return "".join(parts)


def _joined(text) -> str:
    return text if isinstance(text, str) else "".join(text)


def _figures(steps: dict) -> str:
    rows = "".join(
        f"<tr><td>{name[3:]}</td><td>{escape(key)}</td><td>{escape(str(figure))}</td>"
        f"<td>{figure.provenance}</td><td>{escape(figure.source)}</td></tr>"
        for name, step in steps.items()
        for key, figure in ((k, Figure.from_dict(f)) for k, f in step["figures"].items())
    )
    head = (
        "<tr><th>chapter</th><th>figure</th><th>value</th><th>provenance</th><th>source</th></tr>"
    )
    return f"<table>{head}{rows}</table>"


def _hashes(steps: dict) -> str:
    rows = "".join(
        f"<tr><td>{name[3:]}</td><td>{escape(artefact)}</td><td><code>{sha[:16]}…</code></td></tr>"
        for name, step in steps.items()
        for artefact, sha in step["outputs"].items()
    )
    return f"<table><tr><th>chapter</th><th>artefact</th><th>SHA-256</th></tr>{rows}</table>"


def _versions(manifest: dict) -> str:
    packages = ", ".join(f"{k} {v}" for k, v in manifest["packages"].items())
    return escape(f"Python {manifest['python']} on {manifest['platform']}; {packages}")
