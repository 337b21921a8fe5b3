"""Warnings that name the user's line, whoever calls the fit in between."""

import contextlib
import os
import sys
import threading

import joblib
import sklearn

# Folders, and files, whose lines are no user's.
_LIBRARIES = (
    *(os.path.dirname(module.__file__) + os.sep for module in (sklearn, joblib)),
    os.path.dirname(os.path.dirname(__file__)) + os.sep,
    *(module.__file__ for module in (contextlib, threading)),
)


def stacklevel_of_user():
    """The ``stacklevel`` with which a warning of the caller names the first line that is none of a library's.

    A fit may be called by a pipeline or a search: their lines tell the user nothing.
    """
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_LIBRARIES):
        frame, level = frame.f_back, level + 1
    return level
