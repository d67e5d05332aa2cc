"""A missing package is answered with what works, and every package of the kit has such an answer."""

import ast
import json
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

import edgekit
from edgekit.cli import doctor
from edgekit.core import extras
from edgekit.core.workspace import PACKAGE


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("tuf.api", "tuf"),
        ("unicorn", "device"),
        ("pkcs11", "ota"),
        ("cv2", "vision"),
        ("numpy", ""),
    ],
)
def test_the_extra_is_the_one_of_the_metadata(module, extra):
    assert extras.extra_of(module) == extra
    assert "pip install" in str(extras.missing("this needs", module))


WHEEL = f"edgekit-{edgekit.__version__}-py3-none-any.whl"


@pytest.mark.parametrize(
    ("noted", "says"),
    [
        ({"url": "file:///home/me/my%20kit", "dir_info": {"editable": True}}, '-e "/home/me/my kit[ota]"'),
        ({"url": f"file:///home/me/{WHEEL}", "archive_info": {}}, f'"/home/me/{WHEEL}[ota]"'),
        ({"url": f"https://files.example/{WHEEL}", "archive_info": {}}, f'"{WHEEL}[ota]"'),
        (None, f'"{WHEEL}[ota]"'),
    ],
)  # fmt: skip
def test_what_to_type_is_how_it_was_installed(monkeypatch, noted, says):
    text = json.dumps(noted) if noted else None
    there = SimpleNamespace(read_text={"direct_url.json": text}.get)
    monkeypatch.setattr(extras, "distribution", lambda _: there)
    assert f"pip install {says}" in extras.remedy("ota")


def test_in_the_checkout_itself_a_dot_will_do(monkeypatch, tmp_path):
    monkeypatch.setattr(extras, "installed_from", lambda: (tmp_path, True))
    monkeypatch.chdir(tmp_path)
    assert extras.remedy("ota") == 'pip install -e ".[ota]"'
    assert "C compiler" in extras.how_to_get("detools")


def test_no_message_names_a_distribution_that_is_not_there():
    for path in Path(extras.__file__).parents[1].rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for bad in ("edgekit[", "'edgekit[", '"edgekit['):
                    assert f"pip install {bad}" not in node.value, path


def test_doctor_knows_every_extra():
    assert set(extras.extras()) - {""} <= set(doctor.GROUPS)


def test_doctor_asks_for_every_package_of_the_project():
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    wanted = {"core": project["dependencies"], **project["optional-dependencies"]}
    for group, lines in wanted.items():
        names = {re.match(r"[\w.-]+", line)[0] for line in lines}
        assert set(doctor.GROUPS[group][1].split()) - set(extras.APART) == names, group
