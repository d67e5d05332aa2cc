"""What only POSIX has is asked for only where there is POSIX: nobody here has a Windows to try it on."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "edgekit"
MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"}
NAMES = {  # of os, signal, socket and subprocess
    *(
        "chown",
        "fchmod",
        "fork",
        "getegid",
        "geteuid",
        "getgid",
        "getpgid",
        "getuid",
        "killpg",
        "mkfifo",
    ),
    *(
        "nice",
        "setpgid",
        "setsid",
        "statvfs",
        "sysconf",
        "uname",
        "AF_UNIX",
        "SIGALRM",
        "SIGHUP",
        "SIGKILL",
    ),
    *("SIGUSR1", "SIGUSR2", "setitimer", "preexec_fn"),
}
REFUSED = {  # whole files that are reached after a line that says no on Windows
    "federate/deployment/launch.py",
    "federate/deployment/processes.py",
}


def unguarded(source: str) -> list[str]:
    """POSIX-only names used outside an `if` that asks for the system, `line: name` each."""
    found: list[str] = []

    def look(node: ast.AST, guarded: bool) -> None:
        if isinstance(node, ast.If) and {"os.name", "sys.platform"} & set(
            map(ast.unparse, ast.walk(node.test))
        ):
            guarded = True
        names = []
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names if a.name in MODULES]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module in MODULES else []
        elif isinstance(node, ast.Attribute) and node.attr in NAMES:
            whose = ast.unparse(node.value)
            names = [f"{whose}.{node.attr}"] if whose in ("os", "signal", "socket") else []
        elif isinstance(node, ast.keyword) and node.arg in NAMES:
            names = [node.arg]
        found.extend(f"{getattr(node, 'lineno', 0)}: {n}" for n in names if not guarded)
        for child in ast.iter_child_nodes(node):
            look(child, guarded)

    look(ast.parse(source), False)
    return found


def test_nothing_asks_windows_for_what_it_lacks():
    files = {p.relative_to(PACKAGE).as_posix(): p for p in PACKAGE.rglob("*.py")}
    assert set(files) >= REFUSED
    found = {
        name: lines
        for name, path in files.items()
        if name not in REFUSED and (lines := unguarded(path.read_text(encoding="utf-8")))
    }
    assert not found


def test_a_deployment_says_no_before_it_needs_process_groups():
    text = (PACKAGE / "federate/deployment/processes.py").read_text(encoding="utf-8")
    start = text[text.index("def start(") :]
    assert start.index('os.name != "posix"') < start.index("start_new_session")


@pytest.mark.parametrize(
    ("source", "bad"),
    [
        ("import pwd", 1),
        ("def f():\n    from fcntl import ioctl", 1),
        ("import os\nos.killpg(1, 9)", 1),
        ("subprocess.Popen([], preexec_fn=f)", 1),
        ("if os.name == 'posix':\n    import pwd\n    os.geteuid()", 0),
        ("if sys.platform == 'linux':\n    from termios import TIOCOUTQ", 0),
        ("getattr(os, 'geteuid', lambda: 0)()", 0),
    ],
)
def test_the_check_bites(source, bad):
    assert len(unguarded(source)) == bad
