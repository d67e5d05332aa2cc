"""A SUIT processor that knows the draft and nothing of ours: it runs the standard commands of an envelope.

After draft-ietf-suit-manifest, "Abstract Machine Description": one table of parameters for each component,
conditions that hold or end it, directives that act. Parameters with private numbers are passed over, whatever
else is not known ends it. A copy decrypts (draft-ietf-suit-firmware-encryption), AES-CTR and AES-KW alone.
"""

import hashlib
from dataclasses import dataclass, field

import cbor2
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SHARED, FETCH, INSTALL = 4, 16, 20
KNOWN = {1, 2, 3, 4, 5, 12, 13, 14, 18, 19, 21, 22, 23, 24}


class Ended(Exception):
    """A condition does not hold, or a directive cannot be done."""


@dataclass
class Processor:
    """`vendor`, `model`, `device` ids and the time; `content` of each component when it is done."""

    vendor: bytes
    model: bytes
    device: bytes = b""
    now: int = 0
    kek: bytes = b""
    content: dict = field(default_factory=dict)
    done: list = field(default_factory=list)  # numbers of the commands, in order

    def update(self, envelope: bytes) -> dict:
        """Run the update procedure. Raises Ended; the signature is somebody else's business."""
        parts = cbor2.loads(envelope).value
        algorithm, digest = cbor2.loads(cbor2.loads(parts[2])[0])
        if algorithm != -16 or hashlib.sha256(cbor2.dumps(parts[3])).digest() != digest:
            raise Ended("the digest is not the manifest's")
        manifest = cbor2.loads(parts[3])
        common = cbor2.loads(manifest[3])
        self.parts, self.parameters = parts, [{} for _ in common[2]]
        for sequence in (common.get(SHARED), manifest.get(FETCH), manifest.get(INSTALL)):
            if sequence is not None:
                self._run(cbor2.loads(sequence))
        return self.content

    def _run(self, commands: list) -> None:
        component = 0
        for command, argument in zip(commands[::2], commands[1::2], strict=True):
            self.done.append(command)
            if command == 12:
                component = argument
            elif command == 20:
                if strange := {k for k in argument if k >= -256} - KNOWN:
                    raise Ended(f"unknown parameters {strange}")
                self.parameters[component] |= argument
            elif command == 21:
                self.content[component] = self._fetched(self.parameters[component])
            elif command == 22:
                self.content[component] = self._copied(self.parameters[component])
            else:
                self._ask(command, component)

    def _fetched(self, known: dict) -> bytes:
        found = self.parts.get(known.get(21))
        if not isinstance(found, bytes) or len(found) != known.get(14, len(found)):
            raise Ended("there is nothing of this URI and size")
        return found

    def _copied(self, known: dict) -> bytes:
        source = self.content[known[22]]
        if 19 not in known:
            return source
        protected, headers, content, recipients = cbor2.loads(known[19]).value
        if (protected, headers[1], content) != (b"", -65534, None):
            raise Ended("not encrypted by AES-CTR")
        for protected, recipient, wrapped in recipients:
            assert (protected, recipient) == (b"", {1: -3})
            try:
                key = keywrap.aes_key_unwrap(self.kek, wrapped)
            except keywrap.InvalidUnwrap:
                continue
            return Cipher(algorithms.AES(key), modes.CTR(headers[5])).decryptor().update(source)
        raise Ended("encrypted for others")

    def _ask(self, command: int, component: int) -> None:
        known, content = self.parameters[component], self.content.get(component, b"")
        sha256 = cbor2.dumps([-16, hashlib.sha256(content).digest()])
        holds = {
            1: lambda: known[1] == self.vendor,
            2: lambda: known[2] == self.model,
            3: lambda: known[3] == sha256,
            4: lambda: self.now < known[4],
            24: lambda: known[24] == self.device,
        }
        if command not in holds:
            raise Ended(f"unknown command {command}")
        if not holds[command]():
            raise Ended(f"condition {command} does not hold")
