"""Sphinx configuration. Build: ``python -m sphinx -W --keep-going docs docs/_build/html``."""

import importlib
import inspect
import re
from pathlib import Path

from docutils import nodes
from sphinx.directives.patches import Figure
from sphinx.util.docutils import SphinxDirective

import fastnet

project = "fastnet"
author = "The fastnet developers"
project_copyright = f"2026, {author}"
version = release = fastnet.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.mathjax",
    "numpydoc",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
html_theme = "furo"
html_title = f"fastnet {release}"

autosummary_generate = True
numpydoc_show_class_members = False
# With ``-b doctest`` only the pages' own code runs, not that of docstrings.
doctest_test_doctest_blocks = ""


class Registry(SphinxDirective):
    """``.. registry:: module.NAME``: every entry of that dict, with its docstring up to the first section."""

    required_arguments = 1

    def run(self):
        module, _, name = self.arguments[0].rpartition(".")
        result = nodes.definition_list()
        for key, entry in getattr(importlib.import_module(module), name).items():
            text = re.split(r"\n\n[A-Z]\w+\n---+\n", inspect.getdoc(entry))[0]
            definition = nodes.definition("", *self.parse_text_to_nodes(text))
            term = nodes.term("", "", nodes.literal(text=repr(key)))
            result += nodes.definition_list_item("", term, definition)
        return [result]


class MeasuredFigure(Figure):
    """``.. measured-figure:: path``: a figure that a script draws; nothing where it has not been drawn."""

    def run(self):
        return super().run() if (Path(__file__).parent / self.arguments[0]).exists() else []


def setup(app):
    app.add_directive("registry", Registry)
    app.add_directive("measured-figure", MeasuredFigure)
    return {"parallel_read_safe": True}
