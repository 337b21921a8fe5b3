"""Object code of compiled functions, for a shared library that another machine of the level loads.

A function that Numba compiles returns whether it raised an error, and its own C wrapper tells Python of that. Ours
raise none, which is made sure of here: so that wrapper is replaced by one that calls no Python, and the library needs
no Numba.
"""

import re

import llvmlite.binding as llvm
from numba import types
from numba.core import config

from ..host import target
from .jit import compiled_function
from .prebuilt import symbol


def _llvm_type(numba_type):
    if isinstance(numba_type, types.CPointer):
        return "ptr"
    return {types.float32: "float", types.float64: "double", types.intp: "i64"}[numba_type]


def _wrapper(name, inner, signature):
    """LLVM IR of a C function that calls what Numba made of a function."""
    kinds = [_llvm_type(t) for t in signature.args]
    result = "void" if signature.return_type == types.void else _llvm_type(signature.return_type)
    room = "ptr" if result == "void" else result
    arguments = "".join(f", {kind} %{i}" for i, kind in enumerate(kinds))
    return f"""
        declare i32 @"{inner}"(ptr, ptr{"".join(f", {kind}" for kind in kinds)})
        define {result} @{name}({arguments[2:]}) {{
            %room = alloca {room}
            %status = call i32 @"{inner}"(ptr %room, ptr null{arguments})
            {"" if result == "void" else f"%value = load {result}, ptr %room"}
            ret {result} {"" if result == "void" else "%value"}
        }}
    """


def _raises(module, inner):
    """Whether a function can return an error."""
    text = str(module)
    begin = text.index("\n", re.search(rf'\ndefine [^\n]*@"?{re.escape(inner)}"?\(', text).start() + 1)
    return any(value != "i32 0" for value in re.findall(r"\n  ret (.*)", text[begin : text.index("\n}", begin)]))


def object_code(key):
    """Position-independent object code of a function that this process has compiled, not loaded.

    Parameters
    ----------
    key : tuple of str
        Of the function.

    Returns
    -------
    bytes
        An object file that defines `prebuilt.symbol` of the key.
    """
    compiled = compiled_function(key)
    inner = compiled.native_name.removeprefix("cfunc.")
    module = llvm.parse_assembly(compiled.inspect_llvm())
    if _raises(module, inner):
        raise ValueError(f"{'-'.join(key)} may raise an error: there is no Python to tell")
    wrapper = llvm.parse_assembly(_wrapper(symbol(key), inner, compiled._sig))
    wrapper.triple, wrapper.data_layout = module.triple, module.data_layout
    module.link_in(wrapper)
    for thing in (*module.functions, *module.global_variables):
        if not thing.is_declaration and thing.name != symbol(key):
            thing.linkage = "internal"
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    machine = llvm.Target.from_triple(module.triple).create_target_machine(
        cpu=target().cpu, features=target().features, opt=config.OPT, reloc="pic", codemodel="default"
    )
    passes.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options()))
    return machine.emit_object(module)
