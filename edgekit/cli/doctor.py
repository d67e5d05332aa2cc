"""What is installed, what is missing, and how to get it."""

from __future__ import annotations

import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version

from edgekit.core import extras
from edgekit.core.workspace import Workspace

# group of pyproject.toml: what it is for, and its packages
GROUPS = {
    "core": (
        "data, design, signing",
        "numpy scipy scikit-learn pandas matplotlib PyYAML cryptography dacite filelock packaging "
        "pypi-simple shtab tomli-w tqdm",
    ),
    "notebooks": (
        "the chapters",
        "jupyterlab ipywidgets ipykernel papermill nbclient nbconvert nbformat",
    ),
    "train": (
        "chapters 03, 04",
        "tensorflow tf-keras tensorflow-model-optimization ai-edge-litert",
    ),
    "device": ("chapter 05", "tflite ziglang unicorn capstone cbor2 tflite-micro"),
    "gateway": ("optional: ONNX for Linux gateways", "onnx onnxruntime"),
    "npu": ("optional: estimates for an Ethos-U", "ethos-u-vela"),
    "ecg": ("optional: MIT-BIH from its home", "wfdb"),
    "vision": ("the use case people: video", "opencv-python-headless"),
    "search": ("optional: architecture search, sweeps", "optuna optuna-integration distributed"),
    "adapt": ("optional: two more rows of chapter 02", "skada"),
    "ota": (
        "chapter 06",
        "cbor2 cyclonedx-python-lib python-pkcs11 amqtt paho-mqtt httpx starlette uvicorn imgtool trustme",
    ),
    "fleet": (
        "optional: gateway, cloud service, fleets",
        "amqtt cbor2 fastapi fsspec httpx jinja2 paho-mqtt prometheus-client river scikit-activeml "
        "SQLAlchemy uvicorn",
    ),
    "postgresql": (
        "optional: PostgreSQL for the cloud service",
        "psycopg psycopg-binary",
    ),
    "federate": ("optional: models from clients that keep their data", "flwr"),
    "tuf": ("optional: a repository for gateways", "tuf"),
    "compare": ("optional: other ways to make a delta", "bsdiff4 zstandard detools"),
    "readers": ("edgekit new: MATLAB 7.3, Parquet, FLAC and the like", "h5py pyarrow soundfile"),
    "live": ("edgekit record, Edge Impulse CBOR", "cbor2 paho-mqtt pyserial"),
    "track": ("optional: edgekit run --track, MLflow", "mlflow-skinny alembic SQLAlchemy"),
    "toolchains": (
        "optional: tests of the generated projects",
        "idf-component-manager kconfiglib platformio scons",
    ),
    "docs": ("optional: the docs site", "sphinx myst-nb furo"),
    "dev": (
        "make test",
        "cddl-verifier hypothesis import-linter mypy nbstripout nbval playwright pre-commit pytest "
        "pytest-xdist ruff",
    ),
}
OPTIONAL = (
    "track",
    "toolchains",
    "gateway",
    "npu",
    "ecg",
    "vision",
    "adapt",
    "search",
    "readers",
    "live",
    "federate",
    "fleet",
    "postgresql",
    "tuf",
    "compare",
    "docs",
)
INSTEAD = {  # what some computers do without
    "tflite-micro": "no wheel here: LiteRT's reference kernels stand in",
    "python-pkcs11": "not on Windows: keep the key in a file",
}
TOOLS = {
    "arm-none-eabi-gcc": "a second compiler; zig from pip is enough",
    "qemu-system-arm": "Cortex-M55; the other cores run without it",
    "softhsm2-util": "a PKCS#11 token in software; a key in a file does for workshops",
    "mosquitto": "a second broker, mutual TLS; amqtt from pip is enough",
    "make": "short commands; `python -m edgekit …` does the same",
}


def main() -> int:
    """Print one line a thing; 1 if something that the chain needs is missing."""
    ok = (3, 11) <= sys.version_info[:2] < (3, 14)
    print(_line(ok, f"Python {platform.python_version()}", "needs 3.11, 3.12 or 3.13"))
    for group, (purpose, packages) in GROUPS.items():
        print(f"{group} ({purpose})")
        for package in packages.split():
            found = installed(package)
            remedy = extras.APART.get(package) or extras.remedy("" if group == "core" else group)
            needed = group not in OPTIONAL
            if package in INSTEAD and not (found or extras.wanted_here(package)):
                remedy, needed = INSTEAD[package], False
            print("  " + _line(found is not None, f"{package} {found or 'missing'}", remedy))
            ok = ok and (found is not None or not needed)
    workspace = Workspace.find()
    whose = "its own" if workspace.notebooks.is_relative_to(workspace.folder) else "the kit's"
    print(f"workspace {workspace.folder}, with {whose} notebooks (`edgekit start` makes one)")
    print("tools (optional)")
    for tool, purpose in TOOLS.items():
        print("  " + _line(shutil.which(tool) is not None, tool, purpose))
    print(
        "everything the chain needs is here"
        if ok
        else "something is missing: see the lines with ✗; in a checkout `make demo` installs all of it"
    )
    return 0 if ok else 1


def installed(package: str) -> str | None:
    """The installed version, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _line(good: bool, what: str, remedy: str) -> str:
    return f"✓ {what}" if good else f"✗ {what}: {remedy}"
