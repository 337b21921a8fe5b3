"""What an op's machine code is made from, as a digest: two ops of one name must not share it."""

import hashlib
from types import CodeType, FunctionType, ModuleType


def formulas_digest(op, names=None):
    """Digest of an op's formulas, or of those of these names, and of what they read outside of themselves.

    Users write ops too, edit them, and may define two classes of one name; the cache on disk outlives all that.
    """
    digest, seen = hashlib.sha256(), set()
    shaping = "n_states", "per_unit", "kernel", "out_activation"  # the kernel depends on these, too
    digest.update(repr([getattr(op, name, None) for name in shaping]).encode())
    for name in op.formulas if names is None else names:
        _add(digest, getattr(op, name), seen)
    return digest.hexdigest()[:16]


def _add(digest, thing, seen):
    """Enter a formula, or something it reads."""
    thing = getattr(thing, "py_func", thing)  # a user's own jitted helper
    if isinstance(thing, FunctionType):
        digest.update(f"{thing.__module__}.{thing.__qualname__}".encode())
        # fastnet's own sources are part of every key already
        package = (thing.__module__ or "").partition(".")[0]  # None where code was executed without a name
        if thing in seen:
            return
        seen.add(thing)
        cells = thing.__closure__ or ()
        outside = dict(zip(thing.__code__.co_freevars, (c.cell_contents for c in cells), strict=True))
        if package == __name__.partition(".")[0]:
            for name in sorted(outside):  # what it was made from may be anybody's
                _add(digest, outside[name], seen)
        else:
            _add_code(digest, thing.__code__)
            _add(digest, thing.__defaults__, seen)
            for name in _names(thing.__code__):
                if name in thing.__globals__:
                    outside.setdefault(name, thing.__globals__[name])
            for name in sorted(outside):
                digest.update(name.encode())
                _add(digest, outside[name], seen)
    elif isinstance(thing, ModuleType):
        digest.update(thing.__name__.encode())
    else:
        digest.update(repr(thing).encode())


def _add_code(digest, code):
    constants = [c for c in code.co_consts if not isinstance(c, CodeType)]
    digest.update(code.co_code + repr((constants, code.co_names, code.co_varnames)).encode())
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            _add_code(digest, inner)


def _names(code):
    """Names that code and the functions inside it look up."""
    inner = [c for c in code.co_consts if isinstance(c, CodeType)]
    return {*code.co_names, *(name for c in inner for name in _names(c))}
