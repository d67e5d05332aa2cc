"""What a release is made of, as CycloneDX: the firmware's parts, and the environment that made them."""

from __future__ import annotations

import hashlib
from importlib.metadata import distributions
from typing import TYPE_CHECKING

from edgekit.core.extras import missing
from edgekit.core.version import VERSION

if TYPE_CHECKING:
    from edgekit.agent.device_firmware import DeviceFirmware

FOREIGN = {  # a function that only this part brings -> (name, version, licence): firmware/crypto/README.md
    "crypto_eddsa_check_equation": ("monocypher", "4.0.3", "BSD-2-Clause"),
    "p256_ecdsa_verify": ("p256-m", "3.6.6", "Apache-2.0"),
    "br_aes_ct_bitslice_encrypt": ("bearssl", "0.6", "MIT"),
}


def bill_of_materials(firmware: DeviceFirmware, version: int) -> str:
    """CycloneDX 1.6 in JSON of `firmware`, as release `version`.

    What of other people's code is in it, is read off the binary's symbols. The environment are the installed
    distributions of this Python. Raises EdgekitError where the extra `ota` is missing.
    """
    try:
        from cyclonedx.model import HashAlgorithm, HashType
        from cyclonedx.model.bom import Bom
        from cyclonedx.model.component import Component, ComponentType
        from cyclonedx.model.license import DisjunctiveLicense
        from cyclonedx.output.json import JsonV1Dot6
        from packageurl import PackageURL
    except ModuleNotFoundError:
        raise missing("a bill of materials needs", "cyclonedx") from None

    def hashed(digest: str) -> list[HashType]:
        return [HashType(alg=HashAlgorithm.SHA_256, content=digest)]

    def part(name: str, kind: ComponentType, release: str, licence: str = "", **more) -> Component:
        licences = [DisjunctiveLicense(id=licence)] if licence else []
        how = {"licenses": licences, "bom_ref": f"{name}@{release}", **more}
        return Component(name=name, type=kind, version=release, **how)

    library, release = ComponentType.LIBRARY, firmware.release
    whole = part(
        release.class_name, ComponentType.FIRMWARE, str(version), hashes=hashed(firmware.sha256),
        description=f"{firmware.described}: features, network, update agent",
    )  # fmt: skip
    model = part(
        f"{release.class_name}-model", ComponentType.MACHINE_LEARNING_MODEL, str(version),
        hashes=hashed(hashlib.sha256(release.tflite).hexdigest()),
    )  # fmt: skip
    symbols = firmware.image().symbols
    inside = [model, part("edgekit", library, VERSION, "Apache-2.0")]
    inside += [part(n, library, *of) for mark, (n, *of) in FOREIGN.items() if mark in symbols]
    told = (d.metadata for d in distributions())  # parsed at each look
    environment = {(m["Name"].lower(), m["Version"]) for m in told if m["Name"]}
    urls = {(n, v): PackageURL("pypi", name=n, version=v) for n, v in environment if n != "edgekit"}
    made_with = [
        Component(name=n, type=library, version=v, purl=url, bom_ref=str(url))
        for (n, v), url in sorted(urls.items())
    ]
    bom = Bom(components=[*inside, *made_with])
    bom.metadata.component = whole
    bom.register_dependency(whole, inside)
    return JsonV1Dot6(bom).output_as_string(indent=1)
