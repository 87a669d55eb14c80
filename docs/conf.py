"""Sphinx configuration: `make docs` builds the site from this folder into out/docs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from docstrings import to_rst
from generated import TABLES

from tilecppn.version import VERSION

project = "tilecppn"
author = "The tilecppn authors"
copyright = author
version = release = VERSION

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["images/*"]

# Pages are Markdown; links between them and to headings are checked by MyST.
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]
smartquotes = False  # two hyphens begin an option

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 88
autodoc_preserve_defaults = True

# The theme brings no font and no script from another host: the site works offline.
html_theme = "furo"
html_title = f"tilecppn {VERSION}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False


def fill_in_tables(app, docname, source):
    """Replace `<!-- table: NAME -->` in a page by the table that `generated.py` makes."""
    for name, table in TABLES.items():
        mark = f"<!-- table: {name} -->"
        if mark in source[0]:
            source[0] = source[0].replace(mark, table())


def convert_docstring(app, what, name, obj, options, lines):
    """Replace a docstring's lines in place, as autodoc wants it."""
    lines[:] = to_rst(lines)


def setup(app):
    app.connect("autodoc-process-docstring", convert_docstring)
    app.connect("source-read", fill_in_tables)
