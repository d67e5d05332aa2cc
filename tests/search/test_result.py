"""A found candidate may join a ledger only if it was not trained on what that ledger tests."""

import json

import pytest

from edgekit import search
from edgekit.core.errors import EdgekitError
from edgekit.search.result import SCHEMA, source_hashes


@pytest.fixture
def found(tmp_path):
    (tmp_path / "artefacts").mkdir()
    for name in ("field.npz", "split.json"):
        (tmp_path / "artefacts" / name).write_text(name)
    facts = {
        "schema": SCHEMA,
        "found": {"candidate": {"features": "features"}},
        "source_hashes": source_hashes(tmp_path),
    }
    (tmp_path / "found.json").write_text(json.dumps(facts))
    (tmp_path / "found.tflite").write_bytes(b"model")
    return tmp_path / "found.json"


def test_on_its_own_split_it_is_taken(found):
    candidate, model = search.load_search_result(found, found.parent)
    assert (candidate, model) == ({"features": "features"}, b"model")


def test_on_another_split_it_is_refused(found):
    (found.parent / "artefacts" / "split.json").write_text("another")
    with pytest.raises(EdgekitError, match="other data or another split"):
        search.load_search_result(found, found.parent)


def test_one_of_another_format_is_refused(found):
    record = json.loads(found.read_text())
    found.write_text(json.dumps({**record, "schema": SCHEMA + 1}))
    with pytest.raises(EdgekitError, match="another version"):
        search.load_search_result(found, found.parent)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"found": {"candidate": 3}}'])
def test_another_file_is_one_line(found, text):
    found.write_text(text)
    with pytest.raises(EdgekitError, match=r"is no found.json of `edgekit search`"):
        search.load_search_result(found, found.parent)
