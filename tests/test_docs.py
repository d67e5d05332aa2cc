"""What the pages say is there: links lead somewhere, commands are some, every estimate is explained."""

import ast
import contextlib
import importlib.util
import io
import re
import shlex
from pathlib import Path

import pytest

from edgekit.cli import commands
from edgekit.core.errors import EdgekitError

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / name for name in ("README.md", "TEACHING.md", "CONTRIBUTING.md", "CHANGELOG.md")]
SITE = ROOT / "docs" / "site"  # its own page is of the built site, whose links its check follows
DOCS = sorted(p for p in (ROOT / "docs").rglob("*.md") if SITE not in p.parents)
PAGES += [*DOCS, *(ROOT / "docs").glob("*.txt")]
HOW_TO = sorted((ROOT / "docs" / "how-to").glob("*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)


def name(path):
    return path.relative_to(ROOT).as_posix()


def text(path):
    return path.read_text(encoding="utf-8")


def prose(path):
    """Without code, in which `](` is no link and `#` no heading."""
    return re.sub(r"`[^`\n]*`", lambda m: re.sub(r"[][]", "", m[0]), FENCE.sub("", text(path)))


def anchors(path):
    """Of a page's headings, as GitHub and MyST make them: letters, digits and -, small."""
    heads = re.findall(r"^#+ (.+)$", prose(path), re.M)
    return {re.sub(r"[^\w\- ]", "", head.strip().lower()).replace(" ", "-") for head in heads}


def dead_links(path):
    """The relative links of a page that lead to no file, or to no heading of it."""
    dead = []
    for link in LINK.findall(prose(path)):
        file, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", file):
            continue
        target = (path.parent / file).resolve() if file else path
        there = target.exists() and target.is_relative_to(ROOT)
        if not there or (anchor and anchor not in anchors(target)):
            dead.append(link)
    return dead


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_link_leads_somewhere(path):
    assert dead_links(path) == []


def test_a_dead_link_would_be_found(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "a.md").write_text(
        "# A head, of two\n[b](b.md) [c](#a-head-of-two) [d](#no) `[e](e)`\n"
    )
    assert dead_links(tmp_path / "a.md") == ["b.md", "#no"]


def test_agents_and_readers_find_every_page():
    """Each page of docs is linked from llms.txt, and each how-to from the list of them."""
    for index, pages in (
        ("docs/llms.txt", DOCS),
        ("docs/how-to/index.md", HOW_TO),
    ):
        there = {(ROOT / index).parent / link for link in LINK.findall(text(ROOT / index))}
        there = {p.resolve() for p in there} | {ROOT / index}
        assert sorted(set(pages) - there) == []


def test_llms_txt_is_as_its_format_says():
    """llmstxt.org: a title, a summary as a quotation, then sections of links with a line each."""
    head, *sections = re.split(r"^## .+$", text(ROOT / "docs/llms.txt"), flags=re.M)
    assert re.match(r"# .+\n\n> ", head)
    assert len(sections) > 3
    for section in sections:
        assert all(re.match(r"- \[", line) for line in section.strip().splitlines())


def edgekit_lines():
    """Every `edgekit …` of a page's shell blocks, as words; ones that go on in a next line are joined."""
    found = []
    for path in [ROOT / "README.md", ROOT / "TEACHING.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for language, block in FENCE.findall(text(path)):
            if language != "sh":
                continue
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line.replace("…", "x"), comments=True)
                while words and re.fullmatch(r"\w+=.*", words[0]):  # EDGEKIT_RUNS=… edgekit …
                    del words[0]
                if words and Path(words[0]).name == "edgekit":
                    until = next((i for i, w in enumerate(words) if w in (">", "|")), len(words))
                    found.append((name(path), words[1:until]))
    return found


def is_a_command(words):
    """What the command line's own parser says of it: nothing, or what is wrong."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            commands._parser().parse_args(words)
    except EdgekitError as error:
        return str(error)
    return ""


def test_every_edgekit_line_is_a_command():
    lines = edgekit_lines()
    assert sum(page.startswith("docs/how-to") for page, _ in lines) > 20
    wrong = [(page, " ".join(words), why) for page, words in lines if (why := is_a_command(words))]
    assert wrong == []
    assert is_a_command(["run", "activity", "--profil"])
    assert is_a_command(["ota", "sing", "x"])


@pytest.mark.parametrize("path", HOW_TO, ids=name)
def test_python_of_a_how_to_can_be_read_and_its_imports_of_the_kit_exist(path):
    for language, block in FENCE.findall(text(path)):
        if language != "python":
            continue
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "edgekit":
                module = importlib.import_module(node.module)
                for alias in node.names:
                    assert hasattr(module, alias.name) or importlib.util.find_spec(
                        f"{node.module}.{alias.name}"
                    )


def test_every_estimate_is_explained_and_nothing_that_is_not_there():
    """Who makes an estimated figure is named on the page, and each module that the page names exists."""
    page = text(ROOT / "docs/estimates.md")
    named = set(re.findall(r"`(edgekit(?:\.\w+)+)`", page))
    assert [m for m in named if importlib.util.find_spec(m) is None] == []
    makers = set()
    for path in (ROOT / "edgekit").rglob("*.py"):
        for node in ast.walk(ast.parse(text(path))) if "estimated(" in text(path) else ():
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "estimated":
                makers.add(".".join(path.relative_to(ROOT).with_suffix("").parts))
    assert len(makers) > 8
    assert sorted(makers - named) == []
