"""`edgekit bundle`: a classroom without internet, in one folder. `edgekit slim`: a smaller environment."""

from __future__ import annotations

from pathlib import Path

from edgekit.core.errors import EdgekitError, did_you_mean

COURSE = "train,device,notebooks"  # chapters 00 to 05, by hand


def add(commands) -> None:
    bundle = commands.add_parser(
        "bundle", help="wheels, data and notebooks in one folder, for computers without internet"
    )
    bundle.add_argument(
        "--out", required=True, metavar="DIR", help="a new folder, or one to complete"
    )
    bundle.add_argument(
        "--platform", action="append", default=[], metavar="NAME",
        help="linux-x86_64, linux-aarch64, macos-arm64 or windows-x64; repeat it (default: as here)",
    )  # fmt: skip
    bundle.add_argument("--python", default="3.11", help="theirs: 3.11 (default), 3.12 or 3.13")
    bundle.add_argument("--extras", default=COURSE, help=f"of the kit, or none (default: {COURSE})")
    bundle.add_argument(
        "--data", action="append", default=[], metavar="NAME",
        help="a use case (activity) or a source of `edgekit data list`; repeat it",
    )  # fmt: skip
    bundle.set_defaults(do=_bundle)
    slim = commands.add_parser(
        "slim", help="what of this environment a course never opens, and remove it with --yes"
    )
    slim.add_argument("--yes", action="store_true", help="remove it; without, it is only listed")
    slim.set_defaults(do=_slim)


def _bundle(args) -> int:
    from edgekit.bundle import PLATFORMS, PYTHONS, Bundle, here, seal, write
    from edgekit.cli.start import lay_out
    from edgekit.core.workspace import Workspace

    if args.python not in PYTHONS:
        raise EdgekitError(
            f"--python {args.python}: {', '.join(PYTHONS)} are those that it runs on"
        )
    names = list(dict.fromkeys(args.platform)) or [here()]
    for name in names:
        if not name:
            raise EdgekitError(
                f"no wheels are for this computer: --platform {', '.join(PLATFORMS)}"
            )
        if name not in PLATFORMS:
            raise EdgekitError(f"--platform {name!r} is none.{did_you_mean(name, PLATFORMS)}")
    folder = Path(args.out).expanduser().resolve()
    wanted = Bundle(
        tuple(PLATFORMS[name] for name in names),
        args.python,
        tuple(dict.fromkeys(e.strip() for e in args.extras.split(",") if args.extras != "none")),
        _data(args.data),
    )
    write(folder, wanted)
    lay_out(Workspace(folder / "workspace"))
    total = seal(folder)
    print(f"{folder}: {total / 1e9:,.2f} GB; INSTALL.md says how to install from it")
    return 0


def _slim(args) -> int:
    from edgekit.bundle import slim

    site = slim.site_packages()
    found = slim.parts(site)
    for part, files, size in found:
        print(f"{part.name:<20} {size / 1e6:>6,.0f} MB {len(files):>7,} files   {part.why}")
    total = sum(size for _, _, size in found) / 1e9
    if not args.yes:
        print(f"together {total:.2f} GB of {site}; edgekit slim --yes removes them")
        return 0
    for _, files, _ in found:
        slim.remove(files, site)
    print(f"removed {total:.2f} GB; pip install --force-reinstall PACKAGE brings one back")
    return 0


def _data(names: list[str]) -> tuple[str, ...]:
    """The sources that are named, those of a use case by its own name."""
    from edgekit.datasets.sources import sources

    known = [*sources(), "mitbih"]
    found = [s for name in names for s in ([name] if name in known else _of_use_case(name, known))]
    return tuple(dict.fromkeys(found))


def _of_use_case(name: str, known: list[str]) -> list[str]:
    from edgekit import usecases
    from edgekit.core.workspace import Workspace

    root = Workspace.find().folder
    cases = usecases.known(root)
    found = list(usecases.load(name, root).DOWNLOADS) if name in cases else [name]
    for source in found:
        if source not in known:
            raise EdgekitError(
                f"--data {source!r} is none.{did_you_mean(source, [*cases, *known])}"
            )
    return found
