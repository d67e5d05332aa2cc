"""What a run is asked for, checked before anything begins."""

from __future__ import annotations

from pathlib import Path

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.pipeline.manifest import read_manifest

PROFILES = ("quick", "full")


def check_choice(profile: str, seed: int) -> None:
    """Raises EdgekitError for an unknown profile, and for a seed that not every library takes."""
    if profile not in PROFILES:
        raise EdgekitError(f"there is no profile {profile!r}.{did_you_mean(profile, PROFILES)}")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise EdgekitError(f"seed must be a whole number from 0 to 2147483647, not {seed!r}")


def check_owner(directory: Path, use_case: str, profile: str) -> None:
    """Raises EdgekitError if the directory holds a run of another `use_case` or `profile` than these."""
    manifest = read_manifest(directory)
    if manifest and (manifest["use_case"], manifest["profile"]) != (use_case, profile):
        raise EdgekitError(
            f"{directory} holds a run of {manifest['use_case']}, {manifest['profile']}; "
            "choose another run_dir"
        )
