"""The link from an estimator's diagram in a notebook to its documentation, which its parameters' tooltips need."""

from importlib.metadata import PackageNotFoundError, metadata

import sklearn


def documentation():
    """Where this package says its documentation is published, None if nowhere."""
    try:
        urls = metadata("fastnet").get_all("Project-URL", [])
    except PackageNotFoundError:  # used from a source tree
        return None
    pages = dict(url.split(", ", 1) for url in urls)
    return pages.get("Documentation")


class DocLink:
    """Mixin before ``BaseEstimator``: links lead to this package's pages.

    Until they are published, they lead to scikit-learn's page on the estimator of the same name, whose parameters ours
    has; tooltips have the text of our own docstring in either case.
    """

    _doc_link_module = "fastnet"

    @property
    def _doc_link_template(self):
        base = documentation()
        if base is not None:
            return base.rstrip("/") + "/generated/fastnet.{estimator_name}.html"
        version = ".".join(sklearn.__version__.split(".")[:2])
        return f"https://scikit-learn.org/{version}/modules/generated/sklearn.neural_network.{{estimator_name}}.html"
