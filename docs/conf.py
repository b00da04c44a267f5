"""The documentation site: ``sphinx-build -W -b html docs DIRECTORY`` builds it, offline."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The checkout itself, whether it is installed or not, and what fills pages.
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]
# Notebooks run in processes of their own.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
)

import qucnn_cirq  # noqa: E402

project = "qucnn_cirq"
author = "The qucnn_cirq developers"
copyright = author
version = release = qucnn_cirq.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "generated",
]
# The gallery also writes its examples as notebooks, to be fetched from its pages.
exclude_patterns = ["examples", "_ext", "_static", "gallery/*.ipynb"]

# What notebooks show is made by the build: they are kept without outputs.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True

# Formulas stand between dollars, as in a repository browser, and become MathML.
myst_enable_extensions = ["dollarmath"]
myst_update_mathjax = False
html_math_renderer = "mathml"

# Every heading can be linked, as in a repository browser.
myst_heading_anchors = 6

# Docstrings write names in single backticks, without a role: linked where there is such a name.
default_role = "py:obj"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_attr_annotations = False
napoleon_custom_sections = [("Columns", "params_style")]
python_maximum_signature_line_length = 88

# Thousands of names would stand in the navigation of every page.
toc_object_entries = False

# Every example is run in every build, and one that fails ends it.
sphinx_gallery_conf = {
    "examples_dirs": "examples/gallery",
    "gallery_dirs": "gallery",
    "filename_pattern": "",
    "within_subsection_order": "pictures.Order",
    "run_stale_examples": True,
    "abort_on_example_error": True,
    "image_scrapers": ("matplotlib", "pictures.drawings"),
    "image_srcset": ["2x"],
    "reset_modules": ("matplotlib", "pictures.look"),
    "capture_repr": (),
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}

html_theme = "furo"
html_title = "qucnn_cirq"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    f"{mode}_css_variables": {"code-font-size": "78%"} for mode in ("light", "dark")
}
html_show_sphinx = False
html_search_scorer = str(HERE / "_static" / "scorer.js")
html_copy_source = False
