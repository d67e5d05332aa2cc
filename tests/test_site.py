"""The docs site: what a reader finds there, and that its checks bite."""

import importlib.util
import json
import re
import sys
from html import unescape
from pathlib import Path

import pytest

from edgekit.core.errors import EdgekitError
from edgekit.core.workspace import Workspace
from edgekit.pipeline.manifest import file_hash
from edgekit.workshop import exercise_books

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "docs" / "site"


def module(name: str):
    """One of docs/site, which is no package."""
    spec = importlib.util.spec_from_file_location(name, SITE / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


check, layout = module("check"), module("layout")


@pytest.fixture
def run(tmp_path):
    """A run of which chapter 00 was executed."""
    folder = tmp_path / "somebody" / "runs" / "activity-quick"
    executed = folder / "notebooks" / "00_design.ipynb"
    executed.parent.mkdir(parents=True)
    notebook = json.loads((ROOT / "notebooks" / executed.name).read_text(encoding="utf-8"))
    code = next(c for c in notebook["cells"] if c["cell_type"] == "code")
    text = f"<b>kept</b> in {folder}"
    code["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": {"text/html": text}}]
    executed.write_text(json.dumps(notebook), encoding="utf-8")
    step = {"data": "simulated", "finished": "2026-11-27T23:07:31+0000", "outputs": {}}
    step["notebook"] = file_hash(executed)
    manifest = {
        "schema": 2,
        "use_case": "activity",
        "profile": "quick",
        "steps": {"00_design": step},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def shown(name: str, run: Path) -> str:
    notebook = layout.chapter(ROOT / "notebooks" / f"{name}.ipynb", [run])
    return json.dumps(notebook, ensure_ascii=False)


def test_a_chapter_has_the_outputs_of_the_run_and_says_of_which(run):
    text = shown("00_design", run)
    assert "<b>kept</b>" in text
    assert "of a run of `activity` at `quick`, on simulated recordings, on 2026-11-27." in text
    assert "has changed since" not in text
    assert str(run.parent.parent) not in text


def test_a_chapter_that_no_run_has_says_so(run):
    assert "without a run that has this chapter" in shown("01_collect", run)


def test_a_copy_that_is_not_what_was_sealed_is_not_shown(run):
    executed = run / "notebooks" / "00_design.ipynb"
    executed.write_text(executed.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert "<b>kept</b>" not in shown("00_design", run)


def test_outputs_of_code_that_has_changed_are_told(run):
    executed = run / "notebooks" / "00_design.ipynb"
    notebook = json.loads(executed.read_text(encoding="utf-8"))
    code = [c for c in notebook["cells"] if c["cell_type"] == "code"][-1]
    code["source"] = ["print('of yesterday')"]
    executed.write_text(json.dumps(notebook), encoding="utf-8")
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    manifest["steps"]["00_design"]["notebook"] = file_hash(executed)
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert "The chapter's code has changed since." in shown("00_design", run)


def test_what_is_no_run_is_refused_in_a_line(tmp_path):
    with pytest.raises(EdgekitError, match="is no run"):
        layout.lay_out(tmp_path / "source", [tmp_path])


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<a href="b.html#there">b</a>', ""),
        ('<a href="https://example.org/">elsewhere</a><a href="mailto:a@b.c">a</a>', ""),
        ('<img src="data:image/png;base64,AA">', ""),
        ('<a href="c.html">c</a>', "a.html: c.html leads nowhere"),
        ('<a href="b.html#here">b</a>', "a.html: b.html#here leads nowhere"),
        ('<a href="../../etc/passwd">b</a>', "a.html: ../../etc/passwd leads nowhere"),
        ('<img src="c.png">', "a.html: c.png leads nowhere"),
        ('<script src="https://cdn.example/x.js">', "a.html: fetches https://cdn.example/x.js"),
        ('<link rel="stylesheet" href="//fonts.example/f">', "a.html: fetches //fonts.example/f"),
        ("<style>@import 'https://a.example/b';</style>", "a.html: fetches https://a.example/b"),
    ],
)
def test_a_link_that_leads_nowhere_and_a_fetch_are_found(tmp_path, html, fault):
    (tmp_path / "a.html").write_text(html)
    (tmp_path / "b.html").write_text('<h2 id="there">b</h2>')
    assert check.faults(tmp_path) == ([fault] if fault else [])


def test_the_site_builds_and_every_page_is_reached(tmp_path, run, monkeypatch):
    """Without most of the API, which `tests.everything` builds."""
    for name in ("sphinx", "myst_nb", "furo"):
        pytest.importorskip(name, reason="the site needs edgekit[docs]")
    monkeypatch.setitem(sys.modules, "check", check)
    monkeypatch.setitem(sys.modules, "layout", layout)
    assert module("build").build([run], tmp_path, ("edgekit",)) == []
    html = tmp_path / "html"
    front = (html / "index.html").read_text(encoding="utf-8")
    pages = [p.relative_to(ROOT) for p in (ROOT / "docs").rglob("*.md") if SITE not in p.parents]
    pages += [p.relative_to(ROOT) for p in (ROOT / "notebooks").rglob("*.ipynb")]
    assert not [p for p in pages if f'href="{p.with_suffix(".html").as_posix()}"' not in front]
    design = (html / "notebooks" / "00_design.html").read_text(encoding="utf-8")
    assert "<b>kept</b>" in design
    assert '<svg role="img"' in design  # a formula
    assert 'href="01_collect.html"' in design
    assert "generate_c" in (html / "api" / "edgekit.html").read_text(encoding="utf-8")
    for book in exercise_books(Workspace(ROOT)):
        page = html / "notebooks" / "exercises" / f"{book.name}.html"
        text = unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")))
        assert "# your code" in text
        lines = [li.strip() for e in book.exercises for li in e.body.split("\n") if len(li) > 20]
        assert not [line for line in lines if line in text]
