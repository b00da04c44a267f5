"""Where numbers come from: versions, the machine's kind, the commit.

``setup.py`` loads this module by its path: it needs the standard library alone.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path

PACKAGES = ("cirq-core", "cirq-google", "qsimcirq", "numpy", "scipy", "matplotlib", "seaborn")

STAMP = "commit.json"
"""What a build, which is in no checkout, keeps beside this module: what `commit` returned."""


def provenance() -> dict[str, object]:
    """What the results depend on besides their configuration, as plain data.

    Returns:
        Versions of Python and of the packages (null if not installed), the operating system and
        machine, the present time in UTC, and the git commit of the checkout that the code is in or
        was built from, with "+changes" if files differ from it. Where that is not known it is None
        and ``no_commit`` says why.
    """
    return {
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "packages": {name: package_version(name) for name in ("qucnn-cirq", *PACKAGES)},
        "system": platform.system(),
        "machine": platform.machine(),
        **commit(Path(__file__).resolve()),
    }


def package_version(package: str) -> str | None:
    """The version that is installed, or None.

    Args:
        package: The name of a distribution, such as "cirq-core".
    """
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def commit(file: Path) -> dict[str, str | None]:
    """The commit that a file of the package is of, by the stamp of its build or else by git.

    Args:
        file: A file in the folder of the stamp, tracked by git if it is in a checkout.

    Returns:
        ``{"commit": ...}``; or ``{"commit": None, "no_commit": reason}``.
    """
    stamp = file.parent / STAMP
    if stamp.exists():
        try:
            stamped = json.loads(stamp.read_bytes())
            return {key: stamped[key] for key in ("commit", "no_commit") if key in stamped}
        except (OSError, ValueError, TypeError):
            return {"commit": None, "no_commit": f"{STAMP} of the installation is damaged"}
    # In a hook of some repository these would lead git there.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    # Asking must not lock the index of somebody at work.
    environment["GIT_OPTIONAL_LOCKS"] = "0"

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
        head = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no")
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["it failed"])[0]
        return {"commit": None, "no_commit": f"git: {said}"}
    except (OSError, subprocess.SubprocessError) as error:
        return {"commit": None, "no_commit": f"git did not answer ({type(error).__name__})"}
    return {"commit": f"{head}+changes" if changed else head}
