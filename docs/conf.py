"""Sphinx configuration. Build: ``python -m sphinx -W --keep-going docs docs/_build/html``."""

import importlib
import inspect
import re

from docutils import nodes
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


def setup(app):
    app.add_directive("registry", Registry)
    return {"parallel_read_safe": True}
