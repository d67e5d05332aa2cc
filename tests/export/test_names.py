"""A name of a package means one thing, at the first access and at the second."""

import importlib
import pkgutil

import pytest

import edgekit

PACKAGES = [
    name
    for _, name, is_package in pkgutil.walk_packages(edgekit.__path__, "edgekit.")
    if is_package and not name.startswith("edgekit.firmware")
]


@pytest.mark.parametrize("name", PACKAGES)
def test_no_function_is_called_as_a_module_beside_it(name):
    package = importlib.import_module(name)
    modules = {m.name for m in pkgutil.iter_modules(package.__path__)}
    for exported in set(getattr(package, "__all__", ())) & modules:
        first = getattr(package, exported)
        importlib.import_module(f"{name}.{exported}")
        assert getattr(package, exported) is first, f"{name}.{exported} is a module, too"
