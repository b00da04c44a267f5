"""Entry point for build tools; all but the stamp of the commit is declared in setup.cfg."""

import importlib.util
import json
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

PROVENANCE = Path(__file__).resolve().parent / "studies" / "provenance.py"


def write_stamp(root):
    """Writes the commit of this checkout into a tree that is built, never into the checkout."""
    # By its path: importing the package would need what it depends on.
    specification = importlib.util.spec_from_file_location("provenance", PROVENANCE)
    provenance = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(provenance)
    stamp = Path(root, PROVENANCE.parent.name, provenance.STAMP)
    # What is built from a source distribution has its stamp already.
    content = json.dumps(provenance.commit(PROVENANCE)) + "\n"
    stamp.unlink(missing_ok=True)
    stamp.write_text(content, encoding="utf-8")
    return str(stamp)


class StampedBuild(build_py):
    """An editable installation runs from the checkout and asks git, so it gets no stamp."""

    def run(self):
        """Builds, then stamps what was built."""
        super().run()
        self.stamps = []
        if not getattr(self, "editable_mode", False):
            self.stamps = [write_stamp(self.build_lib)]

    def get_outputs(self, include_bytecode=1):
        """The files that were built, the stamp included."""
        return super().get_outputs(include_bytecode) + getattr(self, "stamps", [])


class StampedSource(sdist):
    """A source distribution has no repository, so its tree is stamped as well."""

    def make_release_tree(self, base_dir, files):
        """Makes the tree that is packed, with how to cite it, then stamps it."""
        super().make_release_tree(base_dir, [*files, "CITATION.cff"])
        write_stamp(base_dir)


setup(cmdclass={"build_py": StampedBuild, "sdist": StampedSource})
