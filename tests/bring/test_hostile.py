"""Names from files and people are data: through `new` and the chapters they do nothing, and stay equal."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit import bring, data, datasets, usecases
from edgekit.bring.writing import file_name
from edgekit.cli import commands
from edgekit.core import escape
from edgekit.design import load as load_design
from tests.bring import folders
from tests.core.test_escape import HOSTILE

CANARY = "edgekit_canary"
RUNS = (  # what would leave a trace if it were ever run
    f"\nimport builtins; builtins.{CANARY} = 1\n#",
    f'"); import builtins; builtins.{CANARY} = 1; ("',
    f"'''\nimport builtins; builtins.{CANARY} = 1\n'''",
    f'"""\nimport builtins; builtins.{CANARY} = 1\n"""',
    f"{{__import__('builtins').__dict__.update({CANARY}=1)}}",
    '"]\n[budget]\nflash_bytes = 1\n',
    "<img src=x onerror=alert(1)>",
    "x</td></tr></table><script>alert(1)</script>",
)
names = st.one_of(st.sampled_from((*HOSTILE, *RUNS)), st.text(min_size=1, max_size=12))


def acquisitions(root, labels, channels, unit):
    root.mkdir(parents=True)
    rows = []
    for i in range(3):
        for k, label in enumerate(labels):
            x = folders.sines(10 * i + k, 400, 50, 1.0 + 2 * k, len(channels))
            content = folders.acquisition(x, 20, channels, unit)
            path = f"{'abc'[k]}.{i}.json"
            (root / path).write_text(json.dumps(content))
            rows.append({"path": path, "label": {"type": "label", "label": label}})
    (root / "info.labels").write_text(json.dumps({"files": rows}))
    return root


@settings(max_examples=15, deadline=None)
@given(st.lists(names, min_size=2, max_size=3, unique=True), st.lists(names, min_size=2, max_size=3),
       names, names, names)  # fmt: skip
def test_names_do_nothing_and_read_back_equal(
    tmp_path_factory, labels, channels, unit, licence, question
):
    import builtins

    kept = tuple(map(escape.encodable, labels))
    if len(set(kept)) < len(labels) or not all(label.strip() for label in labels):
        return
    root = tmp_path_factory.mktemp("hostile")
    source = acquisitions(root / "raw", labels, channels, unit)
    options = bring.Options(licence=licence)
    plan = bring.infer_plan(bring.read(source), options)
    bring.write("hostile", plan, root, options, question)
    case = usecases.load("hostile", root)
    assert set(case.CLASSES) == set(kept)
    found = case.recordings("field", "full")
    assert {r.label for r in found} == set(kept)
    own = tuple(escape.encodable(c[:40]) for c in channels)
    if len(set(own)) == len(own):
        assert found[0].channels == own
    assert {r.licence for r in found} == {escape.encodable(licence) or "not stated"}
    design = load_design(root / "usecases" / "hostile" / "design.toml")
    assert design.use_case.question == escape.encodable(question)
    assert design.budget.flash_bytes > 1
    card = datasets.card("hostile", root / "data")
    assert set(card["labels"]) == set(kept)
    for chapter in ("00", "01", "02", "03", "04", "05"):
        said = usecases.notes("hostile", root, chapter)
        assert said
        assert not re.search(r"<(?!/?span>|b>)[a-z]", said)
    assert case.windows(found, "quick").X.ndim == 3
    assert not hasattr(builtins, CANARY)


def test_hostile_names_go_through_the_chapters(tmp_path, home, monkeypatch, capsys):
    """For once with the kernel, the notebook and the page that a person opens."""
    from edgekit.view.report import chapter_page

    canary = tmp_path / "canary"
    run = f"open({str(canary)!r}, 'w')"
    labels = (f"a\n{run}\n#", '<img src=x onerror="alert(1)">', "## 03 $x^2$ \u202e|")
    channels = (f"x\n{run}\n#", f'"); {run} ("', f"{{{run}}}")
    source = acquisitions(tmp_path / "raw", labels, channels, f"g\n{run}\n#")
    monkeypatch.chdir(home)
    assert (
        commands.main(["new", "evil", "--from", str(source), "--yes", "--question", labels[1]]) == 0
    )
    directory = tmp_path / "run"
    code = commands.main(
        ["run", "evil", "--from", "collect", "--through", "collect", "--run-dir", str(directory)]
    )
    assert code == 0, capsys.readouterr().err
    assert not canary.exists()
    assert set(usecases.load("evil", home).CLASSES) == set(labels)
    pages = [directory / "report.html", chapter_page(directory / "notebooks" / "01_collect.ipynb")]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "onerror=&quot;" in text or "onerror=" in text
        assert "<img src=x" not in text
    assert "\u202e" not in capsys.readouterr().out


# ------------------------------------------------------------------------------- names of recordings


@settings(max_examples=80, deadline=None)
@given(st.lists(st.one_of(names, st.sampled_from(["é", "e\u0301", "É", "CON", "nul", "x" * 300, "🙂" * 90])),
                max_size=12))  # fmt: skip
def test_files_of_recordings_fit_any_system_and_never_collide(given_names):
    used: set[str] = set()
    files = [file_name(escape.encodable(n), used) for n in given_names]
    assert len({unicodedata.normalize("NFKD", f).casefold() for f in files}) == len(files)
    for file in files:
        assert len(f"{file}.block12.npz".encode()) <= 255
        assert not set(file) & set('/\\:*?"<>|\0\n')
        assert file.split(".")[0].lower() not in ("con", "nul")


def test_what_was_left_out_is_toml_whatever_it_is_called(tmp_path):
    for i in range(3):
        for label in ("on", "off"):
            x = folders.sines(i, 400, 50, 1.0, 2)
            path = tmp_path / "raw" / label / f"{i}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(folders.acquisition(x, 20, ("a", "b"))))
    odd = ["\x7f.json", 'a"b\\.json', "line\nbreak.json", "\u202e.json", "'''.json"]
    for name in odd:
        (tmp_path / "raw" / "on" / name).write_text("nothing")
    plan = bring.infer_plan(bring.read(tmp_path / "raw"), bring.Options())
    bring.write("left", plan, tmp_path, bring.Options())
    text = (tmp_path / "usecases/left/recordings/left_out.toml").read_text(encoding="utf-8")
    assert set(tomllib.loads(text)) == {f"on/{name}" for name in odd}
    case = usecases.load("left", tmp_path)
    report = data.inspect(case.recordings("field", "full"), case.RATE)
    assert set(report.index[report.verdict == "refused"]) >= {f"on/{name}" for name in odd}


@pytest.mark.parametrize(
    "name", ["bearing", "class", "int", "main", "match", "string", "nul", "Pump", "ä", ""]
)
def test_a_name_that_means_something_else_is_refused_at_once(
    tmp_path, home, monkeypatch, capsys, name
):
    monkeypatch.chdir(home)
    assert commands.main(["new", name, "--from", str(tmp_path / "not there"), "--dry-run"]) == 2
    said = capsys.readouterr().err
    assert (repr(name) if name else "an argument is empty") in said
    assert len(said.splitlines()) == 1


def test_the_text_is_read_again_before_it_is_handed_over():
    from edgekit.bring import templates

    with pytest.raises(ValueError, match="none of ours"):
        templates._check("CLASSES = ()\nopen('x')\n", {"CLASSES": ()})
    with pytest.raises(ValueError, match="not what was meant"):
        templates._check("CLASSES = ('a',)\n", {"CLASSES": ("b",)})
    plan = SimpleNamespace(channels=("a\nb",), kind="motion", unit="")
    assert "\nb" not in templates._ranges(plan, {"offset": "(0.0,)", "span": "(1.0,)"})
