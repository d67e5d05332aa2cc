"""What travels with a release: a card in words, a list of parts that its own schema takes."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.data import Split, Windows
from edgekit.learn import score
from edgekit.pipeline.review import review
from edgekit.view.model_card import model_card
from edgekit.view.papers import write_papers
from edgekit.view.sbom import bill_of_materials
from tests.pipeline.test_review import first

HOSTILE = "<img src=x>|`a`[b](javascript:c)"


def a_card(toy, label="up"):
    first()
    y, group = np.arange(12) % 2, np.repeat([f"g{k}" for k in range(6)], 2)
    field = Windows(
        X=np.zeros((12, 4, 1)),
        y=y,
        group=group,
        classes=("down", label),
        domain=group,
        origin=group,
        rate=1.0,
    )
    split = Split(np.arange(8), np.arange(8, 10), np.arange(10, 12), {})
    told = SimpleNamespace(
        name="student", classes=("down", label), input="features", runtime="TFLM", loss_points=1.5,
        test=score(y, y, ("down", label), group), float_accuracy=1.0,
        confidence_gate=SimpleNamespace(floor=0.6),
    )  # fmt: skip
    return model_card(review(toy / "runs" / "toy-quick"), told, field, split)


def test_a_card_says_for_whom_how_well_and_who_was_where(toy):
    text = a_card(toy)
    assert "| tested on | 1 | 2 | 1, 1 |" in text
    assert "| flash | kept | 100 bytes |" in text
    assert "1 of 1 lines judged, all kept." in text
    assert "rests on **unknown** data" in text


def test_a_name_from_outside_is_no_markup(toy):
    text = a_card(toy, HOSTILE)
    assert "<img" not in text
    assert "](javascript" not in text
    assert not re.search(r"^\| [^|]*`a`", text, re.M)


def test_a_run_without_a_program_has_no_papers(toy):
    first()
    with pytest.raises(
        EdgekitError, match=r"model\.json is missing: edgekit run toy --through export"
    ):
        write_papers(toy / "runs" / "toy-quick")


@pytest.mark.parametrize(
    ("symbol", "parts"),
    [
        ("crypto_eddsa_check_equation", {"monocypher"}),
        ("p256_ecdsa_verify", {"p256-m"}),
        ("main", set()),
    ],
)
def test_the_parts_are_read_off_the_binary(symbol, parts):
    cyclonedx = pytest.importorskip("cyclonedx.validation.json", reason="the ota extra is missing")
    from cyclonedx.schema import SchemaVersion

    release = SimpleNamespace(class_name="toy/board", tflite=b"model")
    firmware = SimpleNamespace(
        release=release,
        sha256="0" * 64,
        described="a core",
        image=lambda: SimpleNamespace(symbols={symbol: 1}),
    )
    text = bill_of_materials(firmware, 3)
    assert cyclonedx.JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = json.loads(text)
    named = {c["name"] for c in found["components"] if "purl" not in c}
    assert named == {"toy/board-model", "edgekit", *parts}
    assert found["metadata"]["component"]["version"] == "3"
    assert any(c.get("purl", "").startswith("pkg:pypi/numpy@") for c in found["components"])
