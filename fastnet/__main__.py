"""``python -m fastnet warmup`` compiles before the first fit; ``python -m fastnet versions`` is for bug reports."""

import argparse
import sys

from .environment import show_versions
from .warmup import warmup


def main(arguments: list[str] | None = None) -> None:
    """Run a command of ``python -m fastnet``."""
    parser = argparse.ArgumentParser(prog="python -m fastnet")
    commands = parser.add_subparsers(dest="command", required=True)
    warm = commands.add_parser(
        "warmup", help="compile now what fits need, and save it for all later processes",
        description="Compile now what fits need, and save it for all later processes: for images and servers.",
    )  # fmt: skip
    warm.add_argument(
        "--dtype", action="append", choices=["float32", "float64"], help="of the computation (default: both)"
    )
    warm.add_argument(
        "--all", action="store_true", help="everything, not only what the default parameters need: takes minutes"
    )
    commands.add_parser("versions", help="print what a bug report needs")
    given = parser.parse_args(arguments)
    if given.command == "versions":
        show_versions()
        return
    try:
        warmup(given.dtype or ("float32", "float64"), given.all)
    except RuntimeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
