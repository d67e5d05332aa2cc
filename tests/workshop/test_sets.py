"""What a teacher gets: nothing solved for students, metadata as nbgrader wants it, slides without network."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from edgekit.cli import main
from edgekit.core.errors import EdgekitError
from edgekit.workshop import build, nbgrader, read, slides
from edgekit.workshop.source import role, text, unlinked
from tests.workshop.conftest import BOOKS, HERE

# nbgrader 0.9.6, nbgraderformat/v3.json (BSD-3-Clause): its own schema, without a dependency on it
NBGRADER = json.loads(Path(__file__).with_name("nbgrader_v3.json").read_text(encoding="utf-8"))
each_book = pytest.mark.parametrize("book", BOOKS, ids=lambda b: b.name)


def notebook(course: Path, name: str) -> dict:
    return json.loads((course / name).read_text(encoding="utf-8"))


@each_book
def test_no_line_of_a_solution_reaches_a_student(book, course):
    """Nor a teacher's word; in no file that students get, or that Otter shows to them."""
    files = [course / f"student/{book.name}.ipynb", course / f"slides/{book.name}.html"]
    files += sorted((course / "otter" / book.name).rglob("*.py"))
    shown = [line.strip() for f in files for line in _lines(f)]
    for exercise in book.exercises:
        body = {line.strip() for line in exercise.body.splitlines() if re.search(r"\w{2}", line)}
        assert body, "a solution of nothing proves nothing"
        assert not body & set(shown), f"{exercise.key}: {body & set(shown)}"
        for line in text(exercise.teacher).splitlines():
            assert len(line) < 20 or line.strip() not in shown


def _lines(path: Path) -> list[str]:
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8").splitlines()
    return [
        line for c in notebook(path.parent, path.name)["cells"] for line in text(c).splitlines()
    ]


@each_book
def test_a_teacher_has_all_of_it(book, course):
    cells = notebook(course, f"teacher/{book.name}.ipynb")["cells"]
    given = book.notebook["cells"]
    assert [text(c) for c in cells] == [unlinked(c) for c in given]
    assert not re.search(r"\]\(\.\./", "".join(map(text, cells))), (
        "a link that leads out of the folder"
    )


@each_book
@pytest.mark.parametrize("folder", ["student", "teacher", "nbgrader/source/{}"])
def test_metadata_is_as_nbgrader_says(book, course, folder):
    cells = notebook(course, f"{folder.format(book.name)}/{book.name}.ipynb")["cells"]
    marked = [c for c in cells if "nbgrader" in c["metadata"]]
    for cell in marked:
        jsonschema.validate(cell["metadata"]["nbgrader"], NBGRADER)
    ids = [c["metadata"]["nbgrader"]["grade_id"] for c in marked]
    assert len(set(ids)) == len(ids)
    points = [c["metadata"]["nbgrader"].get("points") for c in marked if role(c) == "check"]
    assert points == [e.points for e in book.exercises]


@each_book
def test_what_nbgrader_cuts_is_what_a_student_gets(book, course):
    """Its own `ClearSolutions`, in a line: what is between the markers becomes the configured stub."""
    stub = re.search(r'code_stub = \{"python": "(.+?)"\}', nbgrader.CONFIG)[1]
    source = notebook(course, f"nbgrader/source/{book.name}/{book.name}.ipynb")["cells"]
    cut = [
        re.sub(r"### BEGIN SOLUTION\n.*### END SOLUTION", stub, text(c), flags=re.S) for c in source
    ]
    assert cut == [text(c) for c in notebook(course, f"student/{book.name}.ipynb")["cells"]]


class Page(HTMLParser):
    """What a page fetches, and its slides."""

    def __init__(self, html: str):
        super().__init__()
        self.fetched: list[str] = []
        self.slides = 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.slides += tag == "section"
        loads = {"script": "src", "img": "src", "link": "href", "iframe": "src", "image": "href"}
        self.fetched += [v for k, v in attrs if k == loads.get(tag) and not v.startswith("data:")]


@each_book
def test_slides_need_no_network(book, course):
    html = (course / f"slides/{book.name}.html").read_text(encoding="utf-8")
    page = Page(html)
    assert not page.fetched
    assert not re.search(r"@import|url\(", html)
    assert page.slides >= 2 + len(book.exercises)
    assert "$$" not in html, "a formula was left as TeX"


def test_a_slide_shows_markup_and_does_not_run_it():
    cell = {
        "cell_type": "markdown",
        "source": ["# A <script>x</script>\n", "$<b>$ and `$5`, *2* $x^2$"],
    }
    html = slides._html({**cell, "metadata": {}})
    assert "<script>" not in html
    assert "<b>" not in html
    assert html.count("<svg") == 2 or "&lt;b&gt;" in html


def test_a_formula_that_cannot_be_set_is_shown_as_it_is_written():
    assert slides.formula(r"\begin{cases} <x> \end{cases}").startswith(
        "<code>\\begin{cases} &lt;x&gt;"
    )


def test_building_again_replaces_its_files_and_keeps_all_others(tmp_path):
    build(tmp_path, ["03"], HERE)
    first = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    handed_in = tmp_path / "nbgrader/submitted/ada/03_train/03_train.ipynb"
    handed_in.parent.mkdir(parents=True)
    handed_in.write_text("hers")
    build(tmp_path, ["train"], HERE)
    assert {p: p.read_bytes() for p in first} == first, "same source, other bytes"
    assert handed_in.read_text() == "hers"
    assert not list(tmp_path.rglob("00_design*"))


def test_the_command_says_what_it_made_and_what_is_wrong(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(HERE.folder)
    assert main(["workshop", "build", "--out", str(tmp_path), "--only", "03", "adapt"]) == 0
    assert "2 notebooks" in capsys.readouterr().out
    assert main(["workshop", "build", "--out", str(tmp_path), "--only", "trian"]) == 2
    assert "'train'" in capsys.readouterr().err


BROKEN = {  # what is replaced in a good source, and what is then said
    "its solution has 0": ("# your code", "# here"),
    "asserts nothing": ("assert ", "x = "),
    "an assert without a message": (', "', ' and "'),
    "shows something before its last assert": ("assert balanced(lazy)", "print(1)\nassert balanced(lazy)"),
    "**Pitfalls.**": ("**Pitfalls.**", "Pitfalls."),
    "no wrong solution": ("```python", "```"),
    "*10 minutes.*": ("*5 minutes.*", "Five minutes."),
    "not numbered": ("## 1 ·", "## 4 ·"),
}  # fmt: skip


@pytest.mark.parametrize("said", BROKEN)
def test_a_source_that_is_not_as_it_should_be_is_refused_in_a_line(said, tmp_path):
    book = json.loads(json.dumps(next(b for b in BOOKS if b.name == "03_train").notebook))
    for cell in book["cells"]:
        if role(cell):
            cell["source"] = text(cell).replace(*BROKEN[said]).splitlines(keepends=True)
    path = tmp_path / "03_train.ipynb"
    path.write_text(json.dumps(book))
    with pytest.raises(EdgekitError, match=re.escape(said)) as raised:
        read(path)
    assert "\n" not in str(raised.value)


def test_a_cell_out_of_place_is_named(tmp_path):
    book = json.loads(json.dumps(BOOKS[0].notebook))
    book["cells"] = [c for c in book["cells"] if c["id"] != "ex00-q2-solution"]
    path = tmp_path / "00_design.ipynb"
    path.write_text(json.dumps(book))
    with pytest.raises(EdgekitError, match="ex00-q2-check: 'check' is out of place"):
        read(path)
