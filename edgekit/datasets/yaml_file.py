"""Small YAML files that somebody else wrote: plain values only, of bounded size, without aliases."""

from __future__ import annotations

from pathlib import Path

LARGEST = 64 << 10  # bytes


def read_yaml(path: Path) -> dict:
    """The mapping in a YAML file: texts, numbers, lists and mappings, nothing that runs.

    Raises ValueError, in one line, for another content, a file of more than LARGEST bytes, and one with
    aliases, of which a few hundred bytes can make a structure that fills the memory.
    """
    import yaml

    class PlainLoader(yaml.SafeLoader):
        def compose_node(self, parent, index):
            if self.check_event(yaml.AliasEvent):
                raise ValueError("it uses aliases")
            return super().compose_node(parent, index)

    with Path(path).open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST >> 10} KB")
    try:
        content = yaml.load(data, PlainLoader)  # a SafeLoader
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())[:120]) from None
    if not isinstance(content, dict):
        raise ValueError("it is no mapping")
    return content
