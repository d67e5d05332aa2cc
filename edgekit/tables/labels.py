"""Which column of a table is its label."""

from __future__ import annotations

from edgekit.tables import column_roles, flags
from edgekit.tables.layout import find_column
from edgekit.tables.reading import UnreadableError
from edgekit.tables.table import Table


def take(table: Table) -> int | None:
    """Take the label's column: the one that was asked for, else by its name."""
    laid, wanted = table.layout, table.wanted
    if wanted.label:
        found = find_column(laid, wanted.label)
        if found is None:
            raise UnreadableError(f"has no column {wanted.label!r} for the label{offer(table)}")
        table.unassigned = [i for i in table.unassigned if i != found]
        return found
    strength = {i: flags.label_strength(table, i) for i in table.unassigned}
    candidates = [
        i
        for i in sorted(strength, key=lambda i: (-strength[i], i))
        if strength[i] and table.kinds(i)
    ]
    found = None
    for i in candidates:
        if not whole_words(table, i):
            continue
        if found is None and wanted.label is not None and not (wanted.folders and strength[i] < 2):
            found = i
        elif found is None or strength[i] == 2 or column_roles.tokens(table.name(i)) != ["y"]:
            table.note(
                i, f"looks like a label: left out; --label-from column:{table.name(i)} takes it"
            )
        else:
            continue
        table.unassigned.remove(i)
    return _spread(table, found)


def _spread(table: Table, found: int | None) -> int | None:
    """The label: the one `found`, else the one spread over columns of 0 and 1, which are no channels."""
    while some := flags.one_hot(table):
        shown = ", ".join(map(table.name, some))
        names_say_label = flags.names_say_label(table, some)
        mine = (
            found is None
            and table.wanted.label is not None
            and (names_say_label or not table.wanted.folders)
        )
        made = flags.joined(table, some)
        table.unassigned.remove(made)
        table.notes.append(
            f"exactly one of {shown} is 1 in each row: "
            + ("taken for the label; --label-from or --channels says otherwise" if mine else
               "they look like a label: left out; --channels takes them")
        )  # fmt: skip
        found = made if mine else found
    return found


def whole_words(table: Table, i: int) -> bool:
    """No fraction among the words: 0, 1, 2 or walk, run."""
    try:
        return all(float(w) == round(float(w)) for w in table.column(i).words or ())
    except (ValueError, OverflowError):
        return True


def offer(table: Table) -> str:
    """The columns of text that there are, for a person who named another."""
    laid = table.layout
    names = [laid.shown(i) for i in table.unassigned if laid.kinds[i] == "words"]
    others = [n for n in laid.names if n]
    if names:
        return f"; its columns of text: {', '.join(names[:8])}"
    return f", only {', '.join(others)[:80]}" if others else f", only {laid.width} without names"
