"""A missing package is answered with what works, and every package of the kit has such an answer."""

import ast
from pathlib import Path

import pytest

import edgekit
from edgekit.cli import doctor
from edgekit.core import extras


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


def test_from_a_checkout_and_from_a_wheel(monkeypatch, tmp_path):
    monkeypatch.chdir(Path(extras.__file__).resolve().parents[2])
    assert extras.remedy("ota") == "pip install -e '.[ota]'"
    monkeypatch.setattr(
        extras, "__file__", str(tmp_path / "site-packages" / "edgekit" / "core" / "extras.py")
    )
    assert f"edgekit-{edgekit.__version__}-py3-none-any.whl[ota]'" in extras.remedy("ota")
    assert "C compiler" in extras.how_to_get("detools")


def test_no_message_names_a_distribution_that_is_not_there():
    for path in Path(extras.__file__).parents[1].rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for bad in ("pip install edgekit[", "pip install 'edgekit["):
                    assert bad not in node.value, path


def test_doctor_knows_every_extra():
    assert set(extras.extras()) - {""} <= set(doctor.GROUPS)
