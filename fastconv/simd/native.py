"""Functions that only native code calls: they become part of the kernels that use them."""

from __future__ import annotations

import ctypes
from typing import Any

from numba import _dynfunc, njit
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder

#: Of fastmath, only what changes no NaN and no infinity and keeps the order of additions.
OPTIONS: dict[str, Any] = {"boundscheck": False, "error_model": "numpy", "fastmath": {"contract"}}


class _Part(JITCodeLibrary):
    """Code that is optimised, and made machine code of, where it has become part of a kernel."""

    def _optimize_functions(self, ll_module):
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self):
        """Nothing."""

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._finalized = True


class _Compiler(CompilerBase):
    """Numba's compiler up to LLVM's intermediate code, which takes a fifth off a kernel's compilation."""

    def define_pipelines(self):
        state = self.state
        state.flags.no_compile = True
        state.library = _Part(state.targetctx.codegen(), state.func_id.func_qualname)
        return [DefaultPassBuilder.define_nopython_pipeline(state)]

    def compile_extra(self, func):
        compiled = super().compile_extra(func)
        # Numba knows overloads by what Python would call: here a function that raises TypeError.
        refusal = ctypes.cast(ctypes.pythonapi.PyErr_BadArgument, ctypes.c_void_p).value
        key = _dynfunc.make_function(compiled.fndesc.lookup_module(), func.__name__, "", refusal,
                                     compiled.environment, (compiled.library,))
        self.state.targetctx.insert_user_function(key, compiled.fndesc, [compiled.library])
        return compiled._replace(entry_point=key)


def native(function: Any) -> Any:
    """Declares a function that native code alone calls."""
    return njit(pipeline_class=_Compiler, no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)(function)
