"""What to install when a package is missing: one sentence for all of the kit, from its own metadata."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from edgekit.core.errors import EdgekitError
from edgekit.core.version import VERSION

DISTRIBUTIONS = {  # where a module is not called as what one installs
    "pkcs11": "python-pkcs11",
    "cv2": "opencv-python-headless",
    "yaml": "PyYAML",
    "paho": "paho-mqtt",
    "serial": "pyserial",
    "tensorflow_model_optimization": "tensorflow-model-optimization",
    "tf_keras": "tf-keras",
    "ai_edge_litert": "ai-edge-litert",
    "tflite_micro": "tflite-micro",
    "optuna_integration": "optuna-integration",
    "dask": "distributed",
    "ethosu": "ethos-u-vela",
    "mlflow": "mlflow-skinny",
    "dp_accounting": "dp-accounting",
}
FLOWER = (
    "pip install --no-deps --require-hashes -r federate.lock, after requirements.lock (a checkout)"
)
APART = {  # in no extra: one is built where it is installed, one asks for older packages than the others
    "detools": "pip install detools (it is compiled: that needs a C compiler and Python's headers)",
    "dp_accounting": FLOWER,
    "flwr": FLOWER,
    "ray": "pip install ray==2.55.1, which this Flower runs on",
}


@cache
def extras() -> dict[str, list[str]]:
    """Extra -> its distributions, as the installed package says; "" for what is always there."""
    found: dict[str, list[str]] = {}
    try:
        lines = requires("edgekit") or ()
    except PackageNotFoundError:
        lines = ()
    for line in lines:
        name = re.split(r"[^\w.-]", line.strip(), maxsplit=1)[0]
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        found.setdefault(extra[1] if extra else "", []).append(name)
    return found


def wanted_here(name: str) -> bool:
    """Whether the kit, with all its extras, asks for a distribution on this computer, as its markers say."""
    from packaging.requirements import Requirement

    try:
        all_ = map(Requirement, requires("edgekit") or ())
    except PackageNotFoundError:
        return True
    markers = [r.marker for r in all_ if canonical(r.name) == canonical(name)]
    return any(m is None or any(m.evaluate({"extra": e}) for e in extras()) for m in markers)


def extra_of(module: str) -> str | None:
    """The extra that brings a module or distribution; "" if every installation has it, None if none has."""
    name = DISTRIBUTIONS.get(module.split(".")[0], module.split(".")[0])
    known = {canonical(d): extra for extra, all_ in reversed(extras().items()) for d in all_}
    return known.get(canonical(name))


def remedy(extra: str | None) -> str:
    """What to type for an extra. There is no edgekit in a registry: from a checkout, or from its wheel.
    In double quotes: Windows' own shell knows no others."""
    if extra is None:
        return "`edgekit doctor` says what belongs to the kit"
    part = f"[{extra}]" if extra else ""
    where, editable = installed_from()
    if editable:
        here = "." if where == Path.cwd() else str(where)
        return f'pip install -e "{here}{part}"'
    wheel = where or f"edgekit-{VERSION}-py3-none-any.whl"
    return f'pip install "{wheel}{part}", the wheel this came from'


def installed_from() -> tuple[Path | None, bool]:
    """The checkout or the wheel that pip installed the kit from, as pip noted it (PEP 610), and whether that
    is a checkout that is worked on; None where there is no such note."""
    try:
        noted = json.loads(distribution("edgekit").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return None, False
    url = urlsplit(noted.get("url", ""))
    path = Path(url2pathname(url.path)) if url.scheme == "file" else None
    return path, path is not None and bool(noted.get("dir_info", {}).get("editable"))


def how_to_get(module: str, extra: str = "") -> str:
    """What to type to get what brings `module`; `extra` where several do."""
    return APART.get(module) or remedy(extra or extra_of(module))


def missing(what: str, module: str | None, extra: str = "") -> EdgekitError:
    """The error for `what` ("packages need") that a package makes impossible by not being here.

    `module` is what could not be imported, `extra` the one that brings it where several do.

    raise missing("packages need", "cbor2", "ota") from None
    """
    module = module or "a package"
    name = DISTRIBUTIONS.get(module.split(".")[0], module)
    return EdgekitError(f"{what} {name}, which is missing: {how_to_get(module, extra)}")


def canonical(name: str) -> str:
    """A distribution's name as registries compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
