"""What is installed, what is missing, and how to get it."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version

# group: what it is for, the packages (import name, distribution), and whether all platforms have them
GROUPS = {
    "core": ("data, design, signing", ["numpy", "scipy", "scikit-learn", "pandas", "cryptography"]),
    "notebooks": ("the chapters", ["jupyterlab", "ipywidgets", "papermill", "nbconvert"]),
    "train": ("chapters 03, 04", ["tensorflow", "tf-keras", "tensorflow-model-optimization"]),
    "device": ("chapter 05", ["tflite", "ziglang", "unicorn", "tflite-micro"]),
    "dev": ("make test", ["pytest", "nbval", "ruff", "nbstripout", "hypothesis"]),
}
TOOLS = {
    "arm-none-eabi-gcc": "a second compiler; zig from pip is enough",
    "qemu-system-arm": "Cortex-M55; the other cores run without it",
    "make": "short commands; `python -m edgekit …` does the same",
}


def main() -> int:
    """Print one line a thing; 1 if something that the chain needs is missing."""
    ok = (3, 11) <= sys.version_info[:2] < (3, 14)
    print(_line(ok, f"Python {platform.python_version()}", "needs 3.11, 3.12 or 3.13"))
    for group, (purpose, packages) in GROUPS.items():
        print(f"{group} ({purpose})")
        for package in packages:
            found = installed(package)
            optional = package == "tflite-micro" and not has_tflm_wheel()
            remedy = "no wheel for this platform: LiteRT's reference kernels stand in" if optional else (
                f"pip install -e '.[{group}]'" if group != "core" else "pip install -e ."
            )  # fmt: skip
            print("  " + _line(bool(found) or optional, f"{package} {found or 'missing'}", remedy))
            ok = ok and (bool(found) or optional)
    print("tools (optional)")
    for tool, purpose in TOOLS.items():
        print("  " + _line(shutil.which(tool) is not None, tool, purpose))
    print(
        "everything the chain needs is here" if ok else "something is missing: see the lines with ✗"
    )
    return 0 if ok else 1


def installed(package: str) -> str | None:
    """The installed version, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def need(module: str, extra: str) -> None:
    """Raise EdgekitError with the command that installs what is missing."""
    from edgekit.errors import EdgekitError

    if importlib.util.find_spec(module) is None:
        raise EdgekitError(f"{module} is not installed: pip install -e '.[{extra}]'")


def has_tflm_wheel() -> bool:
    """True where tflite-micro publishes a wheel: Linux on x86-64."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


def _line(good: bool, what: str, remedy: str) -> str:
    return f"✓ {what}" if good else f"✗ {what}: {remedy}"
