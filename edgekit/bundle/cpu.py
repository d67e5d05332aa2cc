"""TensorFlow without its GPU code where that is another package: half the size, the same on a CPU.

tf-keras asks for `tensorflow`, so pip would install that beside `tensorflow-cpu`. In a bundle, which is the
only place that pip looks in, an empty `tensorflow` of the same version stands for it and asks for the other:
its version ends in `+cpu`, which counts as equal (PEP 440, local versions).
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from edgekit.bundle.lock import Locked
from edgekit.bundle.platforms import Platform
from edgekit.core.atomic import atomic_write_bytes

WHERE = "linux-x86_64"  # elsewhere the wheels of `tensorflow` have no GPU code
FULL, LIGHT = "tensorflow", "tensorflow-cpu"
SHA256 = {  # of its wheels for Linux x86-64, Python 3.11, 3.12 and 3.13
    "2.21.0": frozenset(
        [
            "2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c",
            "dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb",
            "05af7c26d35f4de910b5598c7b507e3981831a7b0f47fed9a405d995d51d7793",
        ]
    )
}
TAG = "py3-none-manylinux_2_27_x86_64"
METADATA = """\
Metadata-Version: 2.4
Name: {full}
Version: {version}+cpu
Summary: Stands for {full} where {light} is installed
License-Expression: Apache-2.0
Requires-Dist: {light}=={version}
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: edgekit\nRoot-Is-Purelib: true\nTag: {tag}\n"


def lighter(pins: Sequence[Locked], platform: Platform) -> list[Locked]:
    """`pins`, with the package without GPU code in place of TensorFlow where there is one."""
    if platform.name != WHERE:
        return list(pins)
    return [
        Locked(LIGHT, p.version, "", SHA256[p.version], p.via)
        if p.name == FULL and p.version in SHA256
        else p
        for p in pins
    ]


def stand_in(folder: Path, version: str) -> Path:
    """The empty `tensorflow` that asks for `tensorflow-cpu`, as a wheel in `folder`."""
    info = f"{FULL}-{version}+cpu.dist-info"
    files = {
        f"{info}/METADATA": METADATA.format(full=FULL, light=LIGHT, version=version),
        f"{info}/WHEEL": WHEEL.format(tag=TAG),
    }
    record = [f"{name},sha256={_digest(text)},{len(text)}" for name, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, text in files.items():
            file.writestr(zipfile.ZipInfo(name), text)  # of 1980: the same bytes every time
    path = folder / f"{FULL}-{version}+cpu-{TAG}.whl"
    atomic_write_bytes(path, packed.getvalue())
    return path


def _digest(text: str) -> str:
    raw = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
