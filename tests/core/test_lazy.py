"""A name that a package offers is the same thing each time that it is asked for."""

import pkgutil
from importlib import import_module

import edgekit


def test_no_name_that_is_offered_is_hidden_by_the_module_it_lives_in():
    """Importing package.x sets the package's attribute x: a lazy name x would be that module from then on."""
    packages = [
        import_module(f"edgekit.{p.name}")
        for p in pkgutil.iter_modules(edgekit.__path__)
        if p.ispkg
    ]
    lazy = [p for p in packages if hasattr(p, "_HOMES")]
    assert lazy, "no package says where its names live"
    hidden = {
        f"{p.__name__}.{m.name}"
        for p in lazy
        for m in pkgutil.iter_modules(p.__path__)
        if m.name in p._HOMES
    }
    assert not hidden
