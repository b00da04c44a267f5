"""Where numbers come from: versions, the machine's kind, the commit."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

PACKAGES = ("cirq-core", "cirq-google", "qsimcirq", "numpy", "scipy", "matplotlib", "seaborn")


def provenance() -> dict[str, object]:
    """What the results depend on besides their configuration, as plain data.

    Returns:
        Versions of Python and of the packages (null if not installed), the operating system and
        machine, the git commit if the code is in a checkout (with "+changes" if files differ from
        it), and the present time in UTC.
    """
    return {
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "packages": {name: package_version(name) for name in ("qucnn-cirq", *PACKAGES)},
        "system": platform.system(),
        "machine": platform.machine(),
        "commit": _commit(Path(__file__)),
    }


def package_version(package: str) -> str | None:
    """The version that is installed, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit(file: Path) -> str | None:
    """The commit of the repository that tracks the file, if there is one and git is there."""
    # In a hook of some repository these would lead git there.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(file.parent), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()

    try:
        # An installation may lie inside a repository that has nothing to do with it.
        git("ls-files", "--error-unmatch", file.name)
        commit = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}+changes" if changed else commit
