"""The command line: one file a group of commands."""

from edgekit.cli.commands import main

__all__ = ["main"]
