"""The firmware of a device that takes updates: the one program that is judged and shipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property

from edgekit import catalog
from edgekit.agent import native
from edgekit.agent.flash_usage import KEPT, flash_parts
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure
from edgekit.emulate.firmware import Firmware, build, feature_c
from edgekit.emulate.selftest import DIGEST_BYTES
from edgekit.emulate.target import core_for
from edgekit.firmware import c_sources
from edgekit.packages import verifiers
from edgekit.packages.flash_layout import sectors
from edgekit.packages.keyset import KeyList
from edgekit.packages.package import vendor_id
from edgekit.packages.public_keys import PublicKey
from edgekit.packages.release import Generated, Release
from edgekit.signal.step import Step

PARTS = ("agent", "delta", "nor", "slots", *native.TRUST)  # beside what checks a package
PACKET = 512
DECRYPTOR = """\
static struct decrypt update_decrypt;
static const struct decryptor DECRYPTOR = {&update_decrypt, decrypt_begin, decrypt_run};"""


@dataclass(frozen=True, eq=False, kw_only=True)
class DeviceFirmware(Firmware):
    """Features, a network whose constants lie in a slot, and the update agent, in one program.

    release: the model that it was made for, with all that was generated of it. keys: whom it trusts. sizes:
    its `parts`, where they were measured before. `firmware_file` writes and reads it.
    """

    release: Release
    keys: KeyList
    sizes: Mapping[str, Figure] | None = None

    @cached_property
    def parts(self) -> dict[str, Figure]:
        """Bytes of flash by part, see `flash_parts`."""
        if self.sizes is not None:
            return dict(self.sizes)
        return flash_parts(self, self.release, self.keys)

    def with_features(self, features: Step) -> DeviceFirmware:
        """The same, which now can be given samples: a file holds the C of its features, not their Python.

        features: the step of `edgekit.signal` that it was built with. Raises EdgekitError for another.
        """
        if feature_c(self.source, features, self.sensitivity) != dict(self.feature_files):
            raise EdgekitError(
                "the program computes other features than the use case has now: export it again (chapter 05)"
            )
        return replace(self, features=features, release=replace(self.release, features=features))


def firmware(
    release: Release,
    keys: list[PublicKey] | KeyList,
    cpu: str = "",
    revoked: tuple[PublicKey, ...] = (),
) -> DeviceFirmware:
    """Build the program of a device for a release.

    `keys` the device trusts: those that sign packages, or a KeyList with roots, who may change it; `revoked`
    it knows and refuses. `cpu`: a core of `emulate.CORES`, the release's board's own unless given. Signatures
    are checked as `release.signature` says. Raises EdgekitError for a network with more than one input or
    output, and where no key is for that way to check a signature.
    """
    known = keys if isinstance(keys, KeyList) else _listed(release, keys, revoked)
    program = build(
        release.source,
        cpu or core_for(catalog.board(release.board)),
        features=release.features,
        sensitivity=release.sensitivity,
        extra_files=program_files(release, known),
    )
    generated = Generated(release.source, release.requirements, release.image)
    built = {f.name: getattr(program, f.name) for f in fields(program)}
    return DeviceFirmware(**built, release=replace(release, generated=generated), keys=known)


def program_files(
    release: Release, keys: list[PublicKey] | KeyList, revoked: tuple[PublicKey, ...] = ()
) -> dict[str, str]:
    """The C around a release's network: the update agent, and `update_device.c` for this network.

    Arguments and errors as for `firmware`.
    """
    known = keys if isinstance(keys, KeyList) else _listed(release, keys, revoked)
    kinds = {k.algorithm for k in (*known.roots, *known.signers)}
    source, size = release.source, len(release.image)
    graph = source.graph
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise EdgekitError("an update agent needs a network with one input and one output")
    verifiers.chosen(kinds, release.signature)
    checks = verifiers.chosen(native.KEYS, release.signature)
    if release.encryption not in ("", "A128KW"):
        raise EdgekitError(f"no way {release.encryption!r} to encrypt a payload; there is A128KW")
    files = native.files(*checks) | c_sources("update_device.c", "flash.h", *PARTS)
    words = {
        "name": source.name,
        "sectors": sectors(size),
        "operators": ", ".join(map(str, release.requirements["operators"].values())),
        "keys": ", ".join(map(str, known.encoded)),
        "verify": ", ".join(native.VERIFY[a] if a in kinds else "0" for a in native.KEYS),
        "forget": f"{source.name}_reset();" if source.stateful else "",
        "input_bytes": graph.tensors[graph.inputs[0]].nbytes,
        "output_bytes": graph.tensors[graph.outputs[0]].nbytes,
        "constants": size - DIGEST_BYTES,
        "decryptor": DECRYPTOR if release.encryption else "",
        "reads": "&DECRYPTOR" if release.encryption else "0",
    }
    files |= native.decryptor_files() if release.encryption else {}
    for word, value in words.items():
        files["update_device.c"] = files["update_device.c"].replace(f"@{word}@", str(value))
    files["nor.h"] = f"#define NOR_SECTORS {2 * sectors(size) + KEPT}\n{files['nor.h']}"
    return files


def _listed(release: Release, keys: list[PublicKey], revoked) -> KeyList:
    """Keys without roots: they stay until the firmware changes."""
    gone = tuple(k.id for k in revoked)
    return KeyList(vendor_id(release.vendor), 0, 1, (), (*keys, *revoked), gone)
