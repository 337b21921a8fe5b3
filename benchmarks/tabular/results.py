"""Results as lines of JSON: kept, and found again, so that a run goes on where another one ended."""

import hashlib
import json
import sys
from pathlib import Path

# What makes a result another one. The machine is not among them: it changes the time, not the quality.
KEY = ("table", "split", "train_rows", "threads", "method", "settings", "versions")


def digest(value):
    """Twelve characters that stand for a value of dicts, lists, texts and numbers; other objects by their repr."""
    text = json.dumps(value, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def key_of(line):
    """The key of a result, a text."""
    return json.dumps([line[name] for name in KEY], sort_keys=True)


def read(path):
    """All lines of a file, those that a killed run left unfinished excepted. Without the file, none."""
    path, lines = Path(path), []
    if not path.exists():
        return lines
    for number, text in enumerate(path.read_text().splitlines(), 1):
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            print(f"{path}, line {number}: not finished, left out.", file=sys.stderr)
            continue
        lines.append(line)
    return lines


class Results:
    """A file of results.

    Parameters
    ----------
    path : str or Path
        Made with the first result.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.lines = read(path)
        self._keys = {key_of(line) for line in self.lines if line["kind"] == "quality"}

    def has(self, line):
        """Whether there is a result of that key."""
        return key_of(line) in self._keys

    def add(self, line):
        """Append a result. Each is written at once, as one line of its own."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            if file.tell():
                file.seek(-1, 2)
                if file.read(1) != b"\n":
                    file.write(b"\n")  # after what a killed run left
            file.write(json.dumps(line).encode() + b"\n")
        self.lines.append(line)
        if line["kind"] == "quality":
            self._keys.add(key_of(line))
