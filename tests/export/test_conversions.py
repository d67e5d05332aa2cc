"""No value changes its width or its sign unsaid: gcc's own check, for an int of 32 bits and one of 16."""

import shutil
import subprocess

import numpy as np
import pytest

from edgekit.export import generate, read
from tests.export import tiny, variants
from tests.signal import test_ecg, test_features, test_pixels, test_welch

STRICT = "-std=gnu99 -Os -Wall -Wextra -Wconversion -Wsign-conversion -Werror -Wno-unused-function"
COMPILERS = {
    "cortex-m4": ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"],
    "atmega2560": ["avr-gcc", "-mmcu=atmega2560"],
}


def sources():
    """The C of every operator, and of the features: {folder: files}."""
    pixels = {f"pixels {n}": step for n, step in test_pixels.STEPS.items()}
    features = test_features.FEATURES | test_ecg.FEATURES | test_welch.STEPS | pixels
    made = {f"feature {name}": f.c("f", (0.1, 0)) for name, f in features.items()}
    for name, make in (tiny.OPERATORS | tiny.RARER).items():
        made[name] = generate(read(make(np.random.default_rng(1)))).files
    for name in variants.FLOATS:
        made[f"float {name}"] = generate(
            read(variants.floats(np.random.default_rng(1), name))
        ).files
    return made


@pytest.mark.parametrize("core", COMPILERS)
def test_generated_c_converts_nothing_silently(tmp_path, core):
    compiler = COMPILERS[core]
    if not shutil.which(compiler[0]):
        pytest.skip(f"{compiler[0]} is not installed")
    for n, files in enumerate(sources().values()):
        for name, text in files.items():
            path = tmp_path / str(n) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    each = [str(p) for p in tmp_path.glob("*/*.c")]
    assert len(each) > 60
    command = [*compiler, *STRICT.split(), "-ffp-contract=off", "-fsyntax-only"]
    done = subprocess.run([*command, *each], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
