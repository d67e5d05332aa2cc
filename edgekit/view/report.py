"""One page for one run: the verdicts first, then what each chapter found, then what it was made from."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from string import Template

from edgekit.core.atomic import atomic_write
from edgekit.core.figures import Figure
from edgekit.design import LINES
from edgekit.design.gate import Verdicts
from edgekit.pipeline.manifest import file_hash
from edgekit.pipeline.review import Review, review
from edgekit.view.report_artefacts import sections

TEMPLATE = Path(__file__).with_name("report.html")
BADGES = {"kept": "pass", "missed": "fail", "not judged": "open"}


def write(directory: Path, found: Review | None = None) -> Path:
    """Write `report.html` and a page for each executed chapter; returns the report's path.

    found: the review of that run, if there is one already; it hashes all artefacts.

    Raises EdgekitError if the directory holds no run.
    """
    found = found or review(directory)
    design, manifest = found.design, found.manifest
    steps = {
        name: {
            **step,
            "verdicts": Verdicts.from_dicts(step["verdicts"]),
            "stale": found.stale.get(name),
        }
        for name, step in manifest["steps"].items()
    }
    notebooks = {name: directory / "notebooks" / f"{name}.ipynb" for name in steps}
    for name, path in notebooks.items():
        if path.is_file():
            chapter_page(path, _banner(found, name))
    page = Template(TEMPLATE.read_text(encoding="utf-8"))
    html = page.substitute(
        title=escape(design.use_case.title),
        question=escape(design.use_case.question),
        badge=BADGES[found.verdicts.state],
        verdict=escape(found.verdicts.summary()),
        result=escape(result(found)),
        summary=escape(_summary(found)),
        notes="".join(f'<p class="note">{escape(note)}</p>' for note in _notes(found)),
        stages="".join(_stage(name, step, len(steps)) for name, step in steps.items()),
        budget=found.verdicts._repr_html_(),
        chapters="".join(_chapter(n, steps[n], notebooks[n]) for n in steps),
        artefacts=sections(directory, {name for name, step in steps.items() if step["stale"]}),
        figures=_figures(found),
        inputs=_hashes(steps),
        versions=_versions(manifest),
    )
    target = directory / "report.html"
    with atomic_write(target) as half:
        half.write_text(html, encoding="utf-8")
    return target


def chapter_page(notebook: Path, banner: str = "") -> Path:
    """The executed notebook as a page beside it, `banner` (text) on top; made again only if one is newer."""
    page = notebook.with_suffix(".html")
    shown = f'<p style="background:#fdf3d0;padding:.6rem 1rem;margin:0">{escape(banner)}</p>'
    fresh = page.is_file() and page.stat().st_mtime >= notebook.stat().st_mtime
    if fresh and shown in page.read_text(encoding="utf-8"):
        return page
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(mathjax_url="", require_js_url="", jquery_url="")
    body, _ = exporter.from_filename(str(notebook))
    head, tag, rest = body.partition("<body")
    attributes, end, rest = rest.partition(">")
    page.write_text(f"{head}{tag}{attributes}{end}{shown}{rest}", encoding="utf-8")
    return page


def result(found: Review) -> str:
    """What came out, in one sentence, with the accuracy's interval; "" while nothing is known."""
    known = {v.key: v.figure for v in found.verdicts if v.figure is not None}
    parts = []
    if accuracy := known.get("accuracy_floor"):
        parts.append(f"accuracy {percent(accuracy)}{_between(found)}, {accuracy.origin}")
    for key in ("latency_ms", "flash_bytes", "ram_bytes", "battery_years", "update_bytes"):
        if key in known:
            parts.append(f"{LINES[key].name} {known[key]}, {known[key].provenance}")
    return "; ".join(parts)


def percent(share: Figure) -> str:
    """`"91.0 %"`."""
    return f"{100 * share.value:.1f} %"


def _between(found: Review) -> str:
    """The accuracy's interval: the chapter that drew groups knows it, the one that ran the core does not."""
    judged = (v.figure for gate in found.gates.values() for v in gate if v.key == "accuracy_floor")
    for figure in judged:
        if figure is not None and figure.low is not None and figure.high is not None:
            return f" ({100 * figure.low:.1f} to {100 * figure.high:.1f})"
    return ""


def _summary(found: Review) -> str:
    design = found.design
    parts = [design.board.name, design.link.name, design.battery.name]
    parts += [f"profile {found.manifest['profile']}"]
    return " · ".join([*parts, f"{found.data} data" if found.data else "no data yet"])


def _notes(found: Review) -> list[str]:
    """What a reader must know before the table."""
    notes = []
    if found.data not in ("", "real"):
        notes.append(
            f"Every figure here rests on {found.data} data: it says how the chain works, not how well a "
            "device will do."
        )
    if found.changed:
        notes.append(
            "Judged by the design that the figures were made for; design.toml has changed since "
            f"({found.changed}): run again."
        )
    if found.verdicts.unjudged:
        waiting = (f"{v.name} ({v.note})" if v.note else v.name for v in found.verdicts.unjudged)
        notes.append(f"This verdict is not complete. Not judged: {', '.join(waiting)}.")
    notes += [
        f"{name} does not count: it {why}; run it again." for name, why in found.stale.items()
    ]
    return notes


def _banner(found: Review, name: str) -> str:
    data = found.manifest["steps"][name].get("data", "")
    parts = [
        found.design.use_case.title,
        found.design.board.name,
        f"profile {found.manifest['profile']}",
    ]
    parts += [f"{data} data"] if data else []
    parts += [f"does not count any more: it {found.stale[name]}"] if name in found.stale else []
    return " · ".join(parts)


def _stage(name: str, step: dict, n: int) -> str:
    colour = BADGES[step["verdicts"].state] if step["verdicts"] and not step["stale"] else "none"
    return f'<a class="stage {colour}" href="#{name}"><b>{name[:2]}</b>{escape(name[3:])}</a>'


def _chapter(name: str, step: dict, notebook: Path) -> str:
    title, shown = name, ""
    if notebook.is_file() and step.get("notebook") != file_hash(notebook):
        shown = (
            '<p class="note">Sealed by hand: the executed copy is of another run, not shown.</p>'
        )
    elif notebook.is_file():
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        title = _title(cells) or name
        shown = "".join(
            _outputs(cell, of) for cell, of in _under_headings(cells) if _is_reported(cell)
        )
    link = f'<a href="notebooks/{name}.html">the whole chapter</a>'
    verdicts = step["verdicts"]._repr_html_() if step["verdicts"] else ""
    if step["stale"]:
        verdicts = f'<p class="note">Does not count: it {escape(step["stale"])}.</p>{verdicts}'
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


def _under_headings(cells: list[dict]):
    """(cell, the heading that it stands under), which is what a picture is called for who cannot see it."""
    heading = ""
    for cell in cells:
        for line in "".join(cell["source"]).splitlines() if cell["cell_type"] == "markdown" else ():
            heading = line.lstrip("# ") if line.startswith("#") else heading
        yield cell, heading


def _is_reported(cell: dict) -> bool:
    return cell["cell_type"] == "code" and "report" in cell["metadata"].get("tags", [])


def _outputs(cell: dict, heading: str) -> str:
    """A tagged cell's outputs, the richest form of each; `heading` says of what its pictures are."""
    parts = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/png" in data:
            picture = _joined(data["image/png"]).strip()
            alt = escape(f"Picture under the heading: {heading}")
            parts.append(f'<img alt="{alt}" src="data:image/png;base64,{picture}">')
        elif "text/html" in data:
            parts.append(f'<div class="table">{_joined(data["text/html"])}</div>')
        elif "text/plain" in data:
            parts.append(f"<pre>{escape(_joined(data['text/plain']))}</pre>")
        elif "text" in output and output.get("name") == "stdout":
            parts.append(f"<pre>{escape(_joined(output['text']))}</pre>")
    return "".join(parts)


def _joined(text) -> str:
    return text if isinstance(text, str) else "".join(text)


def _figures(found: Review) -> str:
    rows = "".join(
        f"<tr><td>{step[3:]}</td><td>{escape(key)}</td><td>{escape(str(figure))}</td>"
        f"<td>{escape(LINES[key].meaning if key in LINES else '')}</td>"
        f"<td>{escape(figure.origin)}</td><td>{escape(figure.source)}</td></tr>"
        for (step, key), figure in found.figures.items()
    )
    head = (
        "<tr><th>chapter</th><th>figure</th><th>value</th><th>of what</th><th>provenance</th>"
        "<th>source</th></tr>"
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
