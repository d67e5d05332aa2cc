"""Child processes that leave the caller's script alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import spawn


@contextmanager
def without_main() -> Iterator[None]:
    """What is spawned inside the block does not run the caller's script again.

    `multiprocessing` lets each child import the script that was started, so that it finds what is defined
    there. One without `if __name__ == "__main__":` then begins anew in the child, and waits there for what
    its parent holds. The kit's children need none of it: Dask sends a script's own functions by value. As
    joblib's loky does.
    """
    whole = spawn.get_preparation_data

    def without(name: str) -> dict[str, object]:
        return {k: v for k, v in whole(name).items() if not k.startswith("init_main_from_")}

    spawn.get_preparation_data = without
    try:
        yield
    finally:
        spawn.get_preparation_data = whole
