"""Sphinx configuration. Build: ``python -m sphinx -W --keep-going docs docs/_build/html``."""

import dataclasses
import importlib
import inspect
import re
import sys
import textwrap
from pathlib import Path

from sphinx.directives.patches import Figure
from sphinx.util.docutils import SphinxDirective

import fastnet

sys.path.insert(0, str(Path(__file__).parent))
from displays import draw_displays  # noqa: E402
from graphs import HEADS, draw_all  # noqa: E402

project = "fastnet"
author = "The fastnet developers"
project_copyright = f"2026, {author}"
version = release = fastnet.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "mathematics",
    "numpydoc",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
html_theme = "furo"
html_title = f"fastnet {release}"
html_static_path = ["_static"]
html_css_files = ["fastnet.css"]
html_math_renderer = "mathml"

autosummary_generate = True
numpydoc_show_class_members = False
# ``-b doctest`` runs the examples of the pages, and of the docstrings in them.
doctest_test_doctest_blocks = "default"


class Registry(SphinxDirective):
    """``.. registry:: module.NAME public.module [graphs]``: a table of that dict, then the objects with parameters.

    A row is an entry's name, its object, the first paragraph of its docstring (the formula), the others (its use and
    source) and, if there is one, its graph.
    """

    required_arguments = 2
    optional_arguments = 1

    def run(self):
        module, _, name = self.arguments[0].rpartition(".")
        public = self.arguments[1]
        registry = getattr(importlib.import_module(module), name)
        graphs = self.arguments[2] if len(self.arguments) > 2 else None
        heads = ["Name", "Object", "Formula", "Use and source", *([HEADS[Path(graphs).name]] if graphs else [])]
        rows, objects = [heads], []
        for key, entry in registry.items():
            cls = type(entry)
            summary, _, rest = re.split(r"\n\n[A-Z]\w+\n---+\n", inspect.getdoc(entry))[0].partition("\n\n")
            parameters = ", ".join(f"{f.name}={f.default!r}" for f in dataclasses.fields(cls))
            link = f":class:`~{public}.{cls.__name__}`\\ ({parameters})" if parameters else f"``{cls.__name__}()``"
            graph = [f".. image:: {graphs}/{key}.svg\n   :alt: graph of {key}"] if graphs else []
            rows.append([f"``{key!r}``", link, summary, rest, *graph])
            if parameters:
                objects.append(f".. autoclass:: {public}.{cls.__name__}")
        items = "\n".join(
            (head + textwrap.indent(cell, " " * 7)[7:]).rstrip()
            for row in rows
            for head, cell in zip(["   * - ", *["     - "] * len(row)], row, strict=False)
        )
        table = f".. list-table::\n   :header-rows: 1\n   :class: vocabulary\n\n{items}\n"
        return self.parse_text_to_nodes("\n\n".join([table, *objects]))


class MeasuredFigure(Figure):
    """``.. measured-figure:: path``: a figure that a script draws; nothing where it has not been drawn."""

    def run(self):
        return super().run() if (Path(__file__).parent / self.arguments[0]).exists() else []


def name_terms_of_sklearn(app, what, name, obj, options, lines):
    """Turn links of inherited docstrings that only scikit-learn's documentation can follow into words and addresses."""
    guide = "`metadata routing <https://scikit-learn.org/stable/metadata_routing.html>`__"
    for i, line in enumerate(lines):
        line = re.sub(r":term:`(meta-estimator)`", r"\1", line)
        lines[i] = re.sub(r":ref:`[^`]*<metadata_routing>`", guide, line)


def setup(app):
    app.connect("autodoc-process-docstring", name_terms_of_sklearn)
    app.add_directive("registry", Registry)
    app.connect("builder-inited", lambda app: draw_all(Path(__file__).parent / "generated"))
    app.connect("builder-inited", lambda app: draw_displays(Path(__file__).parent / "generated" / "displays"))
    app.add_directive("measured-figure", MeasuredFigure)
    return {"parallel_read_safe": True}
