"""YAML from elsewhere: plain values, or one line that says why not."""

import time

import pytest

from edgekit.datasets.yaml_file import LARGEST, read_yaml


def test_plain_values_are_read(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(
        "title: 'A: rig'\nsources:\n  - type: http\n    base_url: http://home/\nsize: 3\n"
    )
    assert read_yaml(path) == {
        "title": "A: rig",
        "sources": [{"type": "http", "base_url": "http://home/"}],
        "size": 3,
    }


BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "a: &a {x: 1}\nb:\n  <<: *a\n",
        "[" * 30_000,
        "a: " + "{a: " * 15_000,
        "- no mapping",
        "",
        "a: [1\nb",
        "run: !!python/object/apply:os.system ['true']",
        "a: 'x\x00y'",
        "x: " + "y" * LARGEST,
    ],
    ids=["aliases", "merge", "deep lists", "deep maps", "list", "empty", "broken", "call", "NUL", "large"],
)  # fmt: skip
def test_what_is_hostile_or_damaged_is_refused_in_one_line_and_soon(tmp_path, text):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    began = time.process_time()
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        read_yaml(path)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 200
    assert time.process_time() - began < 5
