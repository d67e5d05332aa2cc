"""What a reader of a public function is told: types, shapes, units, errors; and where something is missing.

Public is what `ek` and each package list in `__all__`; of a package without a list, what its modules define.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import edgekit

ARRAYS = re.compile(r"\bndarray\b|\bNDArray\b")
# an annotation that does not say what the value is: the text has to
VAGUE = re.compile(
    r"\b(Any|object|Callable|dict|list|tuple|Sequence|Iterable|Mapping|int|float|str|bytes)\b"
)
SHAPE = re.compile(
    r"\((?:[^()]*\b(?:n|m|k|windows?|rows?|samples?|time|seeds|1|h|height|frames)\b[^()]*,[^()]*)\)|\bscalar"
)
UNITS = re.compile(
    r"\b(bytes?|B|KB|bits?|ms|s|seconds?|minutes?|hours?|h|days?|years?|Hz|kHz|MHz|rpm|mW|µW|uW|mJ|µJ|uJ|mAh|mA|V|°C|g"
    r"|rad|dB|share|fraction|percent|points?|ratio|probabilit\w+|0…1|number|count|counts|how many|lines"
    r"|instructions|cycles|steps|samples|windows|rows|index|indices|position|offset|width|length|size|times|seed"
    r"|pixels|classes|epochs|groups|recordings|accuracy|score|clock)\b|%|…",
    re.IGNORECASE,
)
MEASURE = re.compile(
    r"(_|^)(ms|s|bytes|hz|mhz|mw|mj|kb|c|seed|n|seconds|days|hours|cpu|kind|name)$"
)
ERRORS = (
    "EdgekitError",
    "ValueError",
    "PackageError",
    "LockedError",
    "RuntimeError",
    "TypeError",
    "KeyError",
)


@dataclass(frozen=True)
class Gap:
    """Something that `function` (module and name) does not say."""

    function: str
    what: str

    def __str__(self) -> str:
        return f"{self.function}: {self.what}"


def public() -> Iterator[tuple[str, Callable]]:
    """Every public function once, by the module and the name it is defined under; methods as Class.method."""
    seen = set()
    for value in _listed():
        for name, function in _functions(value):
            if name not in seen:
                seen.add(name)
                yield name, function


def _listed() -> Iterator[Any]:
    packages = [edgekit, *_packages()]
    for package in packages:
        if names := getattr(package, "__all__", None):
            yield from (getattr(package, name) for name in names)
        else:
            for module in _modules(package):
                yield from (v for k, v in vars(module).items() if not k.startswith("_"))


def _packages() -> list[ModuleType]:
    found = pkgutil.walk_packages(edgekit.__path__, "edgekit.")
    return [importlib.import_module(info.name) for info in found if info.ispkg]


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if not info.ispkg and not info.name.endswith("__main__"):
            try:
                yield importlib.import_module(info.name)
            except ImportError:  # an extra that is not here
                continue


def _functions(value: Any) -> Iterator[tuple[str, Callable]]:
    module = getattr(value, "__module__", None) or ""
    if not module.startswith("edgekit"):
        return
    value = inspect.unwrap(value) if callable(value) and not inspect.isclass(value) else value
    if inspect.isfunction(value):
        yield f"{module}.{value.__qualname__}", value
    elif inspect.isclass(value):
        for name, member in vars(value).items():
            function = getattr(member, "__func__", member)
            if not name.startswith("_") and inspect.isfunction(function):
                yield f"{module}.{value.__qualname__}.{name}", function


def untyped(functions: Iterable[tuple[str, Callable]]) -> list[Gap]:
    """Those of `functions` (of `public`) with a parameter or a result that has no type."""
    gaps = []
    for name, function in functions:
        signature = inspect.signature(function)
        bare = [p.name for p in _parameters(signature) if p.annotation is p.empty]
        if signature.return_annotation is inspect.Signature.empty:
            bare.append("its result")
        if bare:
            gaps.append(Gap(name, f"no type: {', '.join(bare)}"))
    return gaps


def undocumented(functions: Iterable[tuple[str, Callable]]) -> list[Gap]:
    """What the texts of `functions` (of `public`) leave open; of methods, only whether there is one."""
    return [Gap(name, what) for name, f in functions for what in _gaps(f, "." in f.__qualname__)]


def _gaps(function: Callable, method: bool) -> Iterator[str]:
    text = inspect.getdoc(function) or ""
    if not text:
        if not method or len(_statements(function)) > 3:
            yield "no docstring"
        return
    if method:
        return
    signature = inspect.signature(function)
    for p in _parameters(signature):
        kind = _text(p.annotation)
        vague = p.annotation is p.empty or VAGUE.search(kind) or ARRAYS.search(kind)
        if (
            vague
            and not re.search(rf"\b{re.escape(p.name)}\b", text)
            and not MEASURE.search(p.name)
        ):
            yield f"parameter {p.name} ({kind}) is not named"
    arrays = [p.name for p in _parameters(signature) if ARRAYS.search(_text(p.annotation))]
    returned = _text(signature.return_annotation)
    if (arrays or ARRAYS.search(returned)) and not SHAPE.search(text):
        yield f"no shape of {', '.join(arrays) or 'the result'}"
    if re.search(r"DataFrame", returned) and not re.search(r"[Cc]olumn|\brow", text):
        yield "no columns of the table that it returns"
    if re.search(r"^(int|float)\b", returned) and not UNITS.search(text):
        yield "no unit of the number that it returns"
    if raised(function) and not re.search(r"\b[Rr]aises?\b|\b(EdgekitError|\w+Error)\b", text):
        yield f"does not say that it raises {', '.join(sorted(raised(function)))}"


def _text(annotation: Any) -> str:
    """An annotation as it was written."""
    if annotation is inspect.Parameter.empty or isinstance(annotation, str):
        return annotation if isinstance(annotation, str) else "untyped"
    return inspect.formatannotation(annotation)


def _parameters(signature: inspect.Signature) -> list[inspect.Parameter]:
    left = ("self", "cls")
    return [
        p
        for p in signature.parameters.values()
        if p.name not in left and not p.name.startswith("_")
    ]


def raised(function: Callable) -> set[str]:
    """What it raises itself, or through the private helpers of its module: names of errors a user meets."""
    return _raised(function.__module__, function.__qualname__)


@cache
def _raised(module: str, name: str, deep: int = 2) -> set[str]:
    tree = _tree(module)
    body = _find(tree, name)
    if body is None:
        return set()
    found = {
        n
        for node in ast.walk(body)
        if isinstance(node, ast.Raise) and node.exc is not None
        for n in [_called(node.exc)]
        if n in ERRORS
    }
    if deep:
        helpers = {
            n for node in ast.walk(body) if isinstance(node, ast.Call) for n in [_called(node)]
        }
        for helper in helpers:
            if helper.startswith("_") and _find(tree, helper) is not None:
                found |= _raised(module, helper, deep - 1)
    return found


def _called(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(importlib.import_module(module)))


def _find(tree: ast.AST, name: str) -> ast.AST | None:
    """The definition `name`, as Class.method where it is one."""
    first, _, rest = name.partition(".")
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == first:
            return _find(node, rest) if rest else node
    return None


def _statements(function: Callable) -> list[ast.stmt]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return list(getattr(tree.body[0], "body", []))
