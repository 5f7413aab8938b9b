"""The scanner as machine code: compiled once, kept on the disk, and called without the compiler.

Numba takes 0.4 s to load what it has kept itself, of a run that may need two; LLVM alone, which Numba brings along as
llvmlite, takes 0.03 s. The code is for any processor of the machine's kind, which costs nothing that could be measured,
so that an image can bring it along.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from importlib.util import cache_from_source
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import llvmlite.binding as llvm
from platformdirs import user_cache_path

from session_calc.read.scanner import layout

Scan = Callable[[layout.Bytes, int, int, layout.Wanted, layout.Rows, layout.Others, layout.Notes], int]

_NAME = "session_calc_scan"
_SOURCES = (
    *("machine_code", "compiled", "layout"),
    *("scan", "rows", "members", "values", "moments", "texts", "numerals", "eights"),
)
_DIGEST_BYTES = 32


def get() -> bytes:
    """Give the code that an earlier run has kept, or compile it: that takes some seconds."""
    name = _file_name()
    folders = [Path(cache_from_source(__file__)).parent, user_cache_path("session_calc")]
    for folder in folders:
        code = _kept(folder / name)
        if code is not None:
            return code
    code = _compile()
    for folder in folders:
        if _keep(code, folder / name):
            break
    return code


@lru_cache(maxsize=1)
def load(code: bytes) -> Scan:
    """Make the code callable; Python's lock is not held while it runs."""
    machine = _machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)(engine.get_function_address(_NAME))

    def scan(*given: Any) -> int:
        addresses, numbers = layout.flat(*given)
        _ = engine  # the code goes when its engine does
        return int(function(addresses.ctypes.data, numbers.ctypes.data))

    return scan


def _machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(opt=3, reloc="pic", codemodel="jitdefault", jit=True)


def _file_name() -> str:
    sources = files(__package__)
    seen = sha256(llvm.get_process_triple().encode() + repr(llvm.llvm_version_info).encode())
    for name in _SOURCES:
        seen.update(sources.joinpath(f"{name}.py").read_bytes())
    return f"scanner-{seen.hexdigest()[:24]}.bin"


def _kept(path: Path) -> bytes | None:
    try:
        kept = path.read_bytes()
    except OSError:
        return None
    digest, code = kept[:_DIGEST_BYTES], kept[_DIGEST_BYTES:]
    return code if sha256(code).digest() == digest else None


def _keep(code: bytes, path: Path) -> bool:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as target:
            target.write(sha256(code).digest() + code)
        Path(target.name).chmod(0o644)  # as any file of a package; a temporary one is for its owner alone
        Path(target.name).rename(path)
    except OSError:
        return False
    return True


def _compile() -> bytes:
    from session_calc.read.scanner.compiled import numba

    numba.config.CPU_NAME, numba.config.CPU_FEATURES = "generic", ""
    from session_calc.read.scanner.scan import scan_at

    types = numba.types
    takes = types.CPointer(types.voidptr), types.CPointer(types.int64)
    function = numba.cfunc(types.int64(*takes), nogil=True, error_model="numpy")(scan_at)
    return _object_of(function.inspect_llvm(), function.native_name)


def _object_of(text: str, name: str) -> bytes:
    """Make machine code of what Numba made, in LLVM's language.

    Numba's run time would be called for errors, and for arrays that nobody holds any more. Neither comes, so that its
    functions need not be there: in their place stand some that end the process.
    """
    stand_in = r"define internal \1 {\n  call void @llvm.trap()\n  unreachable\n}"
    closed = re.sub(r"^declare (\S+ @(?!llvm\.)[^(]+\(.*\)).*$", stand_in, text, flags=re.MULTILINE)
    module = llvm.parse_assembly(f"{closed}\ndeclare void @llvm.trap()\n")
    for function in list(module.functions):
        if function.name == name:
            function.name = _NAME
        elif not function.is_declaration:
            function.linkage = "internal"
    machine = _machine()
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options())
    builder.getModulePassManager().run(module, builder)
    return bytes(machine.emit_object(module))
