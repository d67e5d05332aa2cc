"""What an environment holds and a course never opens: listed, and removed where somebody asks for it.

Each part says why it can go. Every module and library that is loaded stays, and so do pip's notes:
`pip check` and `pip uninstall` work as before; `pip install --force-reinstall PACKAGE` brings a part back.
Nobody has to: an environment works the same with all of it.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.core.errors import EdgekitError

# What zig's headers call the system that they are for; of the kit's programs, only this machine's have one.
SYSTEMS = {"linux": ("linux", "glibc", "musl"), "darwin": ("darwin",), "win32": ("windows",)}
# packages whose `tests` nothing else imports; numpy.testing imports numpy's
TESTED = ("h5py", "joblib", "matplotlib", "mpl_toolkits", "pandas", "scipy", "sklearn", "zmq")


@dataclass(frozen=True)
class Part:
    """Files of installed packages, `patterns` below site-packages, and what they would be for."""

    name: str
    why: str
    patterns: tuple[str, ...]

    def files(self, site: Path) -> Iterator[Path]:
        """Those in `site` (site-packages) that are there, once each; nothing is reached through a link."""
        home = site.resolve()
        found = {p for pattern in self.patterns for p in site.glob(pattern)}
        for path in sorted(found):
            inside = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
            if not path.parent.resolve().is_relative_to(home):
                continue  # a package that lies elsewhere is others', too
            yield from (p for p in inside if p.is_file() and not p.is_symlink())


PARTS = (
    Part("tensorflow/include", "C++ headers: for operators of one's own", ("tensorflow/include",)),
    Part(
        "tensorflow/compiler",
        "StableHLO and XLA from Python: for makers of compilers",
        ("tensorflow/compiler/mlir/stablehlo/*.so", "tensorflow/compiler/tf2xla/ops/_xla_ops.so"),
    ),
    Part("clang", "TensorFlow asks for it and loads it nowhere", ("clang/native",)),
    Part(
        "ai_edge_litert",
        "drivers of phones' accelerators",
        ("ai_edge_litert/vendors", "ai_edge_litert/libLiteRt*Accelerator.*"),
    ),
    Part("unicorn", "the static library: for C programs", ("unicorn/lib/*.a", "capstone/lib/*.a")),
    Part(
        "tests",
        "the packages' own tests",
        tuple(f"{name}/**/tests" for name in TESTED),
    ),
    Part("bytecode", "Python makes it again of what it loads, once", ("**/__pycache__",)),
)


def parts(site: Path) -> list[tuple[Part, list[Path], int]]:
    """What can leave `site` (site-packages): each part, its files, and their bytes on disk."""
    taken: set[Path] = set()
    found = []
    for part in (*PARTS[:-1], _foreign_headers(site), PARTS[-1]):
        files = [p for p in part.files(site) if p not in taken]
        taken |= {*files}
        found.append((part, files, sum(map(_on_disk, files))))
    return sorted(found, key=lambda row: -row[2])


def remove(files: Sequence[Path], site: Path) -> None:
    """Delete `files` of `site` (site-packages), and the folders that are empty then."""
    for path in files:
        path.unlink(missing_ok=True)
    folders = {parent for path in files for parent in path.parents if site in parent.parents}
    for folder in sorted(folders, key=lambda f: -len(f.parts)):
        if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
            folder.rmdir()


def site_packages() -> Path:
    """Of this Python's environment. Raises EdgekitError where it is no environment of its own (venv)."""
    if sys.prefix == sys.base_prefix:
        raise EdgekitError(
            f"{sys.prefix} is no venv: only an environment that is nobody else's is made smaller"
        )
    return Path(sysconfig.get_path("purelib"))


def _foreign_headers(site: Path) -> Part:
    """zig's C headers and libraries of other systems than this one; `any-linux-any` and `x86_64-linux-gnu`
    are how the folders are called."""
    libc = Path("ziglang", "lib", "libc")
    mine = SYSTEMS.get(sys.platform, ())
    folders = [p.name for p in (site / libc / "include").glob("*-*")]
    foreign = [f"{libc.as_posix()}/include/{n}" for n in folders if not any(m in n for m in mine)]
    if mine and sys.platform != "win32":
        foreign += [f"{libc.as_posix()}/mingw"]
    if mine:
        foreign += [f"{libc.as_posix()}/{n}" for n in ("wasi", "freebsd", "netbsd", "openbsd")]
        foreign += [f"ziglang/lib/{n}" for n in ("libcxx", "libcxxabi", "libtsan", "docs")]
    why = "C of other systems than this one, and C++" if mine else "nothing: an unknown system"
    return Part("ziglang", why, tuple(foreign) if mine else ())


def _on_disk(path: Path) -> int:
    """Bytes, in whole blocks where the system says so."""
    told = path.lstat()
    return getattr(told, "st_blocks", -(-told.st_size // 512)) * 512
