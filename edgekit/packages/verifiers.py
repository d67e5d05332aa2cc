"""Ways to check a signature on a device. They agree on every signature; what differs is what they cost."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.firmware import c_sources


@dataclass(frozen=True)
class Verifier:
    """`algorithm` of its keys (RFC 9053); `head`, the name of its header; `files`, what a program calls a
    file and how `firmware/` does."""

    algorithm: str
    head: str
    files: dict[str, str]
    about: str


def _pair(*names: str) -> dict[str, str]:
    return {f"{n}.{end}": f"{n}.{end}" for n in names for end in "hc"}


_JOINT = _pair("es256") | {"p256-m.h": "p256-m.h", "p256-m.inc": "p256-m.c"}
VERIFIERS = {
    "EdDSA": Verifier("EdDSA", "ed25519", _pair("ed25519", "sha512", "monocypher"), "Monocypher"),
    "ES256": Verifier("ES256", "es256", _pair("es256", "p256-m"), "p256-m as it was published"),
    "ES256-joint": Verifier(
        "ES256",
        "es256",
        _JOINT | {"p256-joint.c": "p256-joint.c"},
        "p256-m's field, both multiplications in one pass",
    ),
    "ES256-fast": Verifier(
        "ES256", "es256", _JOINT | {"p256-joint.O2.c": "p256-joint.c"}, "the same, at -O2"
    ),
}


def named(name: str) -> Verifier:
    """The verifier of this name. Raises EdgekitError if there is none."""
    if name not in VERIFIERS:
        raise EdgekitError(f"no way {name!r} to check a signature.{did_you_mean(name, VERIFIERS)}")
    return VERIFIERS[name]


def files(*names: str) -> dict[str, str]:
    """The C of these verifiers by file name, as `emulate.build(extra_files=…)` takes it."""
    parts = {called: own for name in names for called, own in named(name).files.items()}
    texts = c_sources(*parts.values())
    return {called: texts[own] for called, own in parts.items()}


def chosen(algorithms, signature: str = "") -> tuple[str, ...]:
    """Which verifiers a device needs for keys of these algorithms; `signature`: the one its design names.

    Raises EdgekitError if that one is for none of the keys.
    """
    wanted = sorted(set(algorithms))
    if not signature:
        return tuple(wanted)
    algorithm = named(signature).algorithm
    if algorithm not in wanted:
        raise EdgekitError(
            f"the design checks signatures by {signature}, the key is for {', '.join(wanted)}: "
            "take another key, or change `signature` in design.toml"
        )
    return tuple(signature if a == algorithm else a for a in wanted)
