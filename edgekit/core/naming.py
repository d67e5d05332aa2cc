"""What a use case may be called: its name becomes a folder, a Python module, C functions and a header."""

from __future__ import annotations

import keyword
import re

from edgekit.core.errors import EdgekitError

C_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}", re.ASCII)
C = frozenset(  # keywords of C and C++, and what a program has anyway
    re.findall(
        r"\w+",
        """alignas alignof and and_eq asm atomic auto bitand bitor bool break case catch char class co_await
    co_return co_yield compl complex concept const const_cast consteval constexpr constinit continue decltype
    default delete do double dynamic_cast else enum explicit export extern false float for friend goto if
    imaginary inline int long main mutable namespace new noexcept not not_eq null nullptr operator or or_eq
    private protected public register reinterpret_cast requires restrict return setup short signed sizeof
    static static_assert static_cast struct switch template this thread_local throw true try typedef typeid
    typename typeof typeof_unqual union unsigned using virtual void volatile wchar_t while xor xor_eq loop""",
    )
)
HEADERS = frozenset(  # a `math.h` of one's own would stand before the compiler's
    re.findall(
        r"\w+",
        """assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign
    stdarg stdatomic stdbit stdbool stdckdint stddef stdint stdio stdlib stdnoreturn string tgmath threads
    time uchar unistd wchar wctype""",
    )
)
DEVICES = frozenset(  # no file of Windows is called so, with or without a suffix
    ["con", "prn", "aux", "nul", *(f"{d}{i}" for d in ("com", "lpt") for i in range(1, 10))]
)


def check_c_name(name: str) -> None:
    """Raises EdgekitError for a name that generated C cannot bear."""
    if not C_NAME.fullmatch(name):
        raise EdgekitError(f"{name!r} is no name for C code: use lower-case letters, digits and _")


def check(name: str) -> str:
    """Why `name` cannot be the name of a use case; empty if it can."""
    if not C_NAME.fullmatch(name):
        return "lower-case letters, digits and _ only, at most 31, beginning with a letter"
    if name in C or keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "a word of C, C++ or Python means something else"
    if name in HEADERS:
        return f"C has a header {name}.h of its own"
    return "Windows has a device of that name" if name in DEVICES else ""


def refuse(name: str) -> None:
    """Raises EdgekitError, saying why, for a name that cannot be that of a use case."""
    if why := check(name):
        raise EdgekitError(f"{name!r} cannot be the name: {why}")
