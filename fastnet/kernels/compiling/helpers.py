"""How helpers are compiled: typed and lowered, but neither optimised nor turned into machine code on their own.

They only ever become part of the C functions that call them. What Numba does besides for every function, a wrapper for
Python, all of LLVM's passes and machine code, took most of the time of a first fit.
"""

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering, NopythonRewrites


class _Library(JITCodeLibrary):
    """LLVM's intermediate code of a helper, for others to link."""

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(NativeLowering):
    _name = "helper_lowering"

    def run_pass(self, state):
        context, flags = state.targetctx, state.flags
        code = state["library"] = _Library(context.codegen(), state.func_id.func_qualname)
        flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.no_compile = True
        super().run_pass(state)

        # What callers know the helper by must be a built-in function: one that raises whatever it is given.
        entry_point = [].pop
        result = state["cr"]
        context.insert_user_function(entry_point, result.fndesc, [code])
        state["cr"] = result._replace(cfunc=entry_point)
        return True


class HelperCompiler(CompilerBase):
    """Numba's usual passes with a lowering of their own, and without the search for whole-array expressions."""

    def define_pipelines(self):
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes = [(cls, text) for cls, text in manager.passes if cls is not NopythonRewrites]
        manager.passes = [(_Lowering, text) if cls is NativeLowering else (cls, text) for cls, text in passes]
        manager.finalize()
        return [manager]
