"""The file: arrays and JSON in an npz archive, which is read without executing code and replaced in one piece."""

import json
import os
from pathlib import Path

import numpy as np

FORMAT = 1


def write(path, tree):
    """Write a tree of dicts, lists, strings, numbers, None and arrays, so that the file is at all times a whole one.

    Parameters
    ----------
    path : str or path-like
        The file; an old one stays until the new one is on the disk.
    tree : dict
        What to write. Keys are strings.
    """
    path, arrays = Path(path), {}

    def put_aside(value):
        if isinstance(value, np.ndarray):
            name = f"array{len(arrays)}"
            arrays[name] = value
            return {"array": name}
        raise TypeError(f"a checkpoint cannot hold {type(value).__name__}")

    text = json.dumps({"format": FORMAT, **tree}, default=put_aside)
    temporary = path.with_name(f"{path.name}.tmp")  # in the same folder, thus on the same disk
    try:
        with temporary.open("wb") as file:
            np.savez(file, tree=np.frombuffer(text.encode(), np.uint8), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder):
    """Let the new name reach the disk, too, where a folder can be opened: not on Windows."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read(path):
    """The tree that `write` wrote; raises ValueError for any other file, and OSError where there is none."""
    with Path(path).open("rb") as opened:
        try:
            with np.load(opened, allow_pickle=False) as file:
                tree = json.loads(file["tree"].tobytes(), object_hook=lambda part: _with_array(part, file))
                version = tree["format"]
        except Exception as error:  # of damaged archives zipfile and NumPy raise a dozen kinds
            raise ValueError(
                f"{path} is no checkpoint, or it is damaged ({error}): give the path that fastnet.Checkpoint was given."
            ) from error
    if version != FORMAT:
        raise ValueError(
            f"{path} is a checkpoint of format {version}, this version of fastnet reads format {FORMAT}: resume with "
            f"the version of fastnet that wrote it, {tree.get('versions', {}).get('fastnet', 'unknown')}."
        )
    return tree


def _with_array(part, file):
    return file[part["array"]] if part.keys() == {"array"} else part
