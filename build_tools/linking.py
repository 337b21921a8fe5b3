"""Links object files to a shared library that needs the C library alone."""

import os
import re
import subprocess

# Nothing else may be asked of the system: what Numba itself would bring is not there.
LIBRARIES = {"libc.so.6", "libm.so.6"}
# No tag of manylinux for today's Pythons is older.
OLDEST_GLIBC = (2, 17)


def run(*command, **options):
    """Output of a command that must not fail."""
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def link(objects, library):
    """One shared library of object files, each of which has the name of the one function that it exports."""
    names = "".join(f"{path.stem}; " for path in objects)
    exports, listed = library.with_suffix(".map"), library.with_suffix(".rsp")
    exports.write_text(f"{{ global: {names}local: *; }};\n")
    listed.write_text("\n".join(f'"{path}"' for path in objects))
    run(
        os.environ.get("CC", "cc"), "-shared", "-nostartfiles", "-o", library, f"@{listed}",
        f"-Wl,--version-script={exports},-z,defs,-z,noexecstack,--build-id=none,--strip-all", "-lm", "-lc",
    )  # fmt: skip
    needed = set(re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", library)))
    if needed - LIBRARIES:
        raise RuntimeError(f"{library.name} needs {sorted(needed - LIBRARIES)}")


def glibc_of(library):
    """The least version of the C library that has what a library asks for, a pair."""
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", run("objdump", "-T", library))
    return max([OLDEST_GLIBC, *((int(major), int(minor)) for major, minor in versions)])
