"""The one thing that pyproject.toml cannot say: what travels inside the package beside its code."""

from setuptools import find_namespace_packages, setup

SHARE = {  # as the installed kit has them (`edgekit.core.workspace.shipped`): where they lie here
    "edgekit._share.notebooks": "notebooks",
    "edgekit._share.notebooks.extra": "notebooks/extra",
    "edgekit._share.notebooks.exercises": "notebooks/exercises",
    "edgekit._share.data": "data",
    "edgekit._share.docs": "docs",
    "edgekit._share.docs.how-to": "docs/how-to",
    "edgekit._share.lock": ".",  # of which only the lock is taken: see pyproject.toml
}
setup(packages=[*find_namespace_packages(include=["edgekit*"]), *SHARE], package_dir=SHARE)
