"""A project of two tiny chapters, for tests of what goes on between chapters."""

from tests.usecases.complete import USECASE

PARAMETERS = 'use_case = "toy"\nprofile = "quick"\nrun_dir = ""\nseed = 0\noffline = False\n'
OPEN = "import edgekit as ek\nrun = ek.open_run({!r}, use_case, profile, run_dir, seed, offline)"
FIRST = "import numpy as np\nrun.save('numbers.npy', np.arange(5) + seed)"
SECOND = "n = run.load('numbers.npy')\nrun.save('sum.json', {'sum': int(n.sum())})"
GATE = "run.gate({'flash_bytes': ek.measured(100, 'bytes', 'counted')})"
DESIGN = """
[use_case]
name = "toy"
title = "A toy"
question = "Does it run?"
[budget]
flash_bytes = 150
[hardware]
board = "stm32u5"
battery = "er14505"
link = "lorawan-eu868-dr3"
[duty]
inferences_per_hour = 6
"""


def notebook(path, stem, body, reads, writes, evaluates=("flash_bytes",)):
    import nbformat  # 5 s that most tests need not wait for

    cells = [PARAMETERS, OPEN.format(stem), body, GATE]
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    nb.cells[0].metadata["tags"] = ["parameters"]
    nb.metadata.update(
        edgekit={"reads": reads, "writes": writes, "evaluates": list(evaluates)},
        kernelspec={"name": "python3", "display_name": "Python 3", "language": "python"},
    )
    nbformat.write(nb, path / f"{stem}.ipynb")


def project(folder):
    """A project of two tiny chapters and one use case, in an empty folder."""
    (folder / "notebooks").mkdir()
    case = folder / "usecases" / "toy"
    case.mkdir(parents=True)
    (case / "usecase.py").write_text(USECASE)
    (case / "design.toml").write_text(DESIGN)
    notebook(folder / "notebooks", "00_design", FIRST, [], ["numbers.npy"])
    notebook(folder / "notebooks", "01_sum", SECOND, ["numbers.npy"], ["sum.json"])
