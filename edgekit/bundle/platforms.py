"""The computers that a bundle can be for: how pip and a requirement's marker call them."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms

PYTHONS = ("3.11", "3.12", "3.13")
LAST_PATCH = 99  # above any: a marker may ask for `>= 3.11.5`, and nobody knows which one they have


@dataclass(frozen=True)
class Platform:
    """One kind of computer. `tags` are the platforms of wheels that it takes, the newest first (PEP 425);
    `system`, `machine` and `sys_platform` what Python says there of itself, `os_name` too (PEP 508)."""

    name: str
    tags: tuple[str, ...]
    system: str
    machine: str
    sys_platform: str
    os_name: str = "posix"

    def environments(self, python: str) -> list[dict[str, str]]:
        """What a marker is judged by, for the first and for the last patch of a `python` like "3.11"."""
        return [
            {
                "implementation_name": "cpython",
                "implementation_version": f"{python}.{patch}",
                "os_name": self.os_name,
                "platform_machine": self.machine,
                "platform_python_implementation": "CPython",
                "platform_release": "",
                "platform_system": self.system,
                "platform_version": "",
                "python_full_version": f"{python}.{patch}",
                "python_version": python,
                "sys_platform": self.sys_platform,
            }
            for patch in (0, LAST_PATCH)
        ]

    def wheel_tags(self, python: str) -> frozenset[Tag]:
        """All that a wheel may be tagged with to be installed there."""
        version = tuple(int(part) for part in python.split("."))
        short = "cp" + python.replace(".", "")
        return frozenset(
            [
                *cpython_tags(version, platforms=self.tags),
                *compatible_tags(version, interpreter=short, platforms=self.tags),
            ]
        )


def _linux(machine: str) -> Platform:
    """glibc 2.28 and later: Debian 10, Ubuntu 18.10, RHEL 8 and what came after them."""
    old = ("manylinux2014", *(("manylinux2010", "manylinux1") if machine == "x86_64" else ()))
    names = (*(f"manylinux_2_{minor}" for minor in range(28, 4, -1)), *old, "linux")
    return Platform(
        f"linux-{machine}", tuple(f"{n}_{machine}" for n in names), "Linux", machine, "linux"
    )


PLATFORMS = {
    p.name: p
    for p in (
        _linux("x86_64"),
        _linux("aarch64"),
        Platform(  # macOS 14 and later
            "macos-arm64", tuple(mac_platforms((14, 0), "arm64")), "Darwin", "arm64", "darwin"
        ),
        Platform("windows-x64", ("win_amd64",), "Windows", "AMD64", "win32", "nt"),
    )
}


def here() -> str:
    """The name of this computer's platform, "" if it is none of them."""
    found = (platform.machine(), sys.platform)
    return next((p.name for p in PLATFORMS.values() if (p.machine, p.sys_platform) == found), "")
