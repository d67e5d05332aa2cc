"""Rows with names: JSON lines, lists of objects, Parquet; and what a signature of Edge Impulse is worth."""

from __future__ import annotations

import hashlib
import hmac
import json

import numpy as np
import pytest

from edgekit import bring
from edgekit.readers import edge_impulse, records
from edgekit.tables import UnreadableError
from tests.bring import folders

X = np.round(folders.sines(0, 300, 50, 2.0), 4)
ROWS = [
    {"ts": 20 * i, "x": a, "acc": {"y": b, "z": c}, "activity": "run"}
    for i, (a, b, c) in enumerate(X)
]


def lines() -> str:
    return "\n".join(map(json.dumps, ROWS)) + "\n"


FORMS = {
    "a.jsonl": lines,
    "a.ndjson": lambda: "\ufeff" + lines(),
    "a.json": lines,
    "list.json": lambda: json.dumps(ROWS),
    "columns.json": lambda: json.dumps({
        "ts": [r["ts"] for r in ROWS], "x": X[:, 0].tolist(), "acc.y": X[:, 1].tolist(),
        "acc.z": X[:, 2].tolist(), "activity": ["run"] * 300,
    }),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_rows_with_names_are_a_table(tmp_path, name):
    (tmp_path / name).write_text(FORMS[name](), encoding="utf-8")
    (made,) = bring.read(tmp_path).readings
    assert (made.rate, made.channels, made.label) == (50, ("x", "acc.y", "acc.z"), "run")
    np.testing.assert_allclose(made.samples, X, rtol=1e-6)


def test_a_few_broken_lines_are_counted_and_many_are_no_json_lines(tmp_path):
    (tmp_path / "a.jsonl").write_text(lines() + '{"x": 1, \n' * 3)
    (made,) = bring.read(tmp_path).readings
    assert "3 of 303 lines are no JSON: left out" in made.notes
    (tmp_path / "b.jsonl").write_text(lines() + "what?\n" * 300)
    assert "neither JSON nor JSON lines" in bring.read(tmp_path).failed["b.jsonl"]


@pytest.mark.parametrize("time", ["ms", "timestamp"])
def test_parquet_is_a_table(tmp_path, time):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    ticks = 1_700_000_000_000 + 20 * np.arange(300)
    stamps = (
        pa.array(ticks, pa.timestamp("ms"))
        if time == "timestamp"
        else pa.array(20 * np.arange(300))
    )
    columns = {
        "timestamp" if time == "timestamp" else "time_ms": stamps,
        "x": pa.array(X[:, 0], pa.float32()), "y": pa.array(X[:, 1]), "z": pa.array(X[:, 2]),
        "label": pa.array(["run"] * 300).dictionary_encode(),
    }  # fmt: skip
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    (made,) = bring.read(tmp_path).readings
    assert (made.rate, made.channels, made.label) == (50, ("x", "y", "z"), "run")
    np.testing.assert_allclose(made.samples, X, rtol=1e-6)
    (tmp_path / "b.parquet").write_bytes(b"PAR1" + bytes(40) + b"PAR1")
    assert "no Parquet file" in bring.read(tmp_path).failed["b.parquet"]


# --------------------------------------------------------------------------------------- signatures


def signed(key: str, kind: str) -> bytes:
    content = folders.acquisition(X[:9], 20)
    content["protected"]["alg"] = "HS256"
    if kind == "cbor":
        cbor2 = pytest.importorskip("cbor2")
        data = b"\xd9\xd9\xf7" + cbor2.dumps(content)
    else:
        data = json.dumps(content).encode()
    mac = hmac.new(key.encode(), data, hashlib.sha256).hexdigest()
    return data.replace(b"0" * 64, mac.encode())


@pytest.mark.parametrize("kind", ["json", "cbor"])
def test_a_signature_is_checked_by_who_has_the_key_and_said_by_who_has_not(
    tmp_path, kind, monkeypatch
):
    (tmp_path / f"a.{kind}").write_bytes(signed("secret", kind))
    (made,) = bring.read(tmp_path).readings
    assert "was not checked" in made.notes[0]
    monkeypatch.setenv("EDGEKIT_IMPULSE_KEY", "secret")
    (made,) = bring.read(tmp_path).readings
    assert made.notes == ()
    monkeypatch.setenv("EDGEKIT_IMPULSE_KEY", "another")
    with pytest.raises(UnreadableError, match="does not fit the key"):
        edge_impulse.read(tmp_path / f"a.{kind}", "a")


@pytest.mark.parametrize(
    ("alg", "signature", "words"),
    [("none", "0" * 64, ""), ("none", "00", ""), ("none", "ab" * 32, "says it has none"),
     ("HS256", "0" * 64, "never signed"), ("HS256", "ab", "damaged"), ("HS256", 7, "damaged"),
     ("HS256", "ab" * 32, "not checked"), ("RS512\n<b>", "ab" * 32, "unknown method")],
)  # fmt: skip
def test_what_a_signature_says_by_itself(alg, signature, words):
    content = folders.acquisition(X[:9], 20) | {"signature": signature}
    content["protected"]["alg"] = alg
    said = edge_impulse.signature(content, json.dumps(content).encode(), "")
    assert words in said
    assert bool(words) == bool(said)
    assert "\n" not in said


def test_cbor_that_says_it_is_cbor_is_read_and_other_tags_are_not():
    assert edge_impulse.cbor(b"\xd9\xd9\xf7\x01") == 1
    for hostile in (
        b"\xd8\x1c\x81\xd8\x1d\x00",  # a value that holds itself, by shared references
        b"\xd9\xd9\xf7\xd9\xd9\xf7\x01",
        b"\xc4\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01",  # 10 to a huge power
    ):
        with pytest.raises(UnreadableError, match="CBOR tag"):
            edge_impulse.cbor(hostile)


def test_sensors_of_one_name_are_kept_apart():
    content = folders.acquisition(X[:9], 20, ("a", "a", "b"))
    assert edge_impulse.acquisition(content, "x").channels == ("a", "a 2", "b")


@pytest.mark.parametrize(
    ("name", "value"), [("topic", "payload"), ("VarName", "VarValue"), ("entity_id", "state"), ("point", "v")]
)  # fmt: skip
def test_rows_of_a_name_and_a_value_become_columns(name, value):
    rows = [
        {"ts": 1_700_000_000_000 + 20 * k, name: axis, value: float(k % 7 + i / 3)}
        for k in range(200)
        for i, axis in enumerate("xyz")
    ]
    (made,) = records.objects(rows, "a.json")
    assert (made.channels, made.rate) == (("x", "y", "z"), pytest.approx(50))
