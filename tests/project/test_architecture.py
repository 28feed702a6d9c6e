"""The rules of docs/architecture.md, read from includes and imports; a violation is a sentence."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]

LAYERS = {"base": 0, "simd": 1, "kernels": 2, "model": 3, "bindings": 4}
CPP_SUFFIXES = {".hpp", ".cpp", ".inl", ".h"}

# What code compiled once per instruction set may include from outside: types, macros, intrinsics.
# A header with inline functions could leave an AVX-512 copy of one, and a machine without AVX-512
# would run it.
ISA_SAFE_HEADERS = {"cassert", "cstddef", "cstdint", "immintrin.h", "arm_neon.h", "arm_sve.h"}

INTRINSICS_HEADER = re.compile(r"\w*intrin\.h|arm_\w+\.h")
PYTHON_HEADER = re.compile(r"Python\.h|pybind11/.*|numpy/.*")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:<([^>]+)>|"([^"]+)")', re.MULTILINE)
ALLOCATION = re.compile(
    r"\bnew\b|\b(?:malloc|calloc|realloc|aligned_alloc|posix_memalign|_mm_malloc)\s*\("
)
COMMENT_OR_LITERAL = re.compile(
    r"""//[^\n]* | /\*.*?\*/                      # comments
    | R"(\w*)\(.*?\)\1"                           # raw strings
    | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])'    # strings, characters
    | ^[ \t]*\#[ \t]*include[^\n]*                # include lines""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
EMPTY_WORD = re.compile(r"util|helper|manager|common|misc", re.IGNORECASE)


class Include(NamedTuple):
    """One #include line."""

    line: int
    header: str
    target: Path | None  # the file under cpp/; None for a header from outside


def files(folder: Path, suffixes: set[str]) -> list[Path]:
    """Every file below `folder` with one of the suffixes, in order."""
    return sorted(path for path in folder.rglob("*") if path.suffix in suffixes)


def cpp_files(root: Path) -> list[Path]:
    return files(root / "cpp", CPP_SUFFIXES)


def name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def room(path: Path, root: Path) -> str:
    """The folder of cpp/ that a file lives in; empty for a file beside the folders."""
    below = path.relative_to(root / "cpp").parts
    return below[0] if len(below) > 1 else ""


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def includes(path: Path, root: Path) -> Iterator[Include]:
    """The includes of a file; a quoted one is looked up below cpp/, then beside the file."""
    text = path.read_text(encoding="utf-8")
    for match in INCLUDE.finditer(text):
        header = match[1] or match[2]
        places = [root / "cpp" / header, path.parent / header] if match[2] else []
        target = next((place.resolve() for place in places if place.is_file()), None)
        yield Include(line_of(text, match.start()), header, target)


# ---- The rules: each takes the root of a checkout and says, in sentences, what is wrong ----


def layers(root: Path) -> Iterator[str]:
    for path in cpp_files(root):
        own = room(path, root)
        if own not in LAYERS:
            yield f"{name(path, root)} is in no layer: those are cpp/{', cpp/'.join(LAYERS)}."
            continue
        for include in includes(path, root):
            if include.target is None:
                continue
            other = room(include.target, root)
            if LAYERS.get(other, -1) > LAYERS[own]:
                yield (
                    f"{name(path, root)}:{include.line} (layer {LAYERS[own]}, {own}) includes "
                    f"{include.header} (layer {LAYERS[other]}, {other}): "
                    "a file uses its own layer and those below it."
                )


def isa_code_includes_no_library(root: Path) -> Iterator[str]:
    kernels = root / "cpp" / "kernels"
    waiting = [*files(root / "cpp" / "simd", CPP_SUFFIXES), *files(kernels, {".inl"})]
    waiting += [path for path in [kernels / "isa.cpp"] if path.exists()]
    seen = set(waiting)
    while waiting:
        path = waiting.pop(0)
        for include in includes(path, root):
            if include.target is not None:
                if include.target not in seen:
                    seen.add(include.target)
                    waiting.append(include.target)
            elif include.header not in ISA_SAFE_HEADERS:
                yield (
                    f"{name(path, root)}:{include.line} includes <{include.header}>: code compiled "
                    "once per instruction set includes "
                    f"{', '.join(sorted(ISA_SAFE_HEADERS))} alone."
                )


def intrinsics_stay_in_simd(root: Path) -> Iterator[str]:
    for path in cpp_files(root):
        for include in includes(path, root):
            if INTRINSICS_HEADER.fullmatch(include.header) and room(path, root) != "simd":
                yield (
                    f"{name(path, root)}:{include.line} includes <{include.header}>: "
                    "cpp/simd is the only place that knows an intrinsic."
                )


def python_stays_in_bindings(root: Path) -> Iterator[str]:
    for path in cpp_files(root):
        for include in includes(path, root):
            if PYTHON_HEADER.fullmatch(include.header) and room(path, root) != "bindings":
                yield (
                    f"{name(path, root)}:{include.line} includes <{include.header}>: "
                    "cpp/bindings is the only C++ that knows Python."
                )


def memory_has_one_owner(root: Path) -> Iterator[str]:
    for path in cpp_files(root):
        if room(path, root) == "base":
            continue
        text = path.read_text(encoding="utf-8")
        code = COMMENT_OR_LITERAL.sub(lambda match: "\n" * match[0].count("\n"), text)
        for match in ALLOCATION.finditer(code):
            yield (
                f"{name(path, root)}:{line_of(code, match.start())} says {match[0]!r}: "
                "memory has one owner, Buffer<T> of cpp/base."
            )


def cpp_files_say_their_job(root: Path) -> Iterator[str]:
    for path in cpp_files(root):
        opening = re.match(r"(?://[^\n]*\n)*", path.read_text(encoding="utf-8"))
        if opening is None or not re.search(r"\w[^\n]*[.:]", opening[0]):
            yield f"{name(path, root)} opens without a sentence: its first comment says its job."


def python_files_say_their_job(root: Path) -> Iterator[str]:
    for folder in ("python", "tests", "bench"):
        for path in files(root / folder, {".py"}):
            if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))):
                yield f"{name(path, root)} has no docstring: its first sentence says its job."


def names_say_something(root: Path) -> Iterator[str]:
    for folder in ("cpp", "python", "tests", "bench", "docs"):
        for path in sorted((root / folder).rglob("*")):
            if "__pycache__" not in path.parts and (word := EMPTY_WORD.search(path.name)):
                yield f"{name(path, root)} says {word[0]!r}: use the field's word, or none."


class Import(NamedTuple):
    """One imported module, by its absolute name."""

    line: int
    module: str


def imports(nodes: Iterator[ast.AST], package: list[str]) -> Iterator[Import]:
    """The modules that import statements among `nodes` name, in a file of `package`."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = [*above, *(node.module.split(".") if node.module else [])]
            yield Import(node.lineno, ".".join(module))


def imported_modules(path: Path, root: Path) -> Iterator[Import]:
    """The modules that a file imports when it is imported, or for its types."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in outside_functions(tree):
        for each in imports(iter([node]), package_of(path, root)):
            yield each
            for alias in node.names if isinstance(node, ast.ImportFrom) else ():
                yield Import(each.line, f"{each.module}.{alias.name}")


def outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when a module is imported."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from outside_functions(node)


def package_of(path: Path, root: Path) -> list[str]:
    return list(path.parent.relative_to(root / "python").parts)


def comes_from(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def reference_stands_alone(root: Path) -> Iterator[str]:
    allowed = sys.stdlib_module_names | {"rosenblatt.reference"}
    for path in files(root / "python" / "rosenblatt" / "reference", {".py"}):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for imported in imports(ast.walk(tree), package_of(path, root)):
            if not comes_from(imported.module, set(allowed)):
                yield (
                    f"{name(path, root)}:{imported.line} imports {imported.module}: "
                    "the reference imports the standard library and itself, and nothing else."
                )


# What a part of the package imports beside NumPy: it is an extra of its own, imported by those who
# have it alone.
OF_EXTRAS = {
    "rosenblatt.plot": {"matplotlib"},
    "rosenblatt.sklearn": {"sklearn", "scipy", "joblib", "threadpoolctl"},
    "rosenblatt.river": {"river"},
}


def package_needs_numpy_alone(root: Path) -> Iterator[str]:
    always = sys.stdlib_module_names | {"numpy", "rosenblatt"}
    for path in files(root / "python", {".py"}):
        module = ".".join([*package_of(path, root), path.stem])
        extras = [needs for part, needs in OF_EXTRAS.items() if comes_from(module, {part})]
        allowed = always.union(*extras)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for imported in imports(outside_functions(tree), package_of(path, root)):
            if not comes_from(imported.module, set(allowed)):
                yield (
                    f"{name(path, root)}:{imported.line} imports {imported.module} on import: "
                    "NumPy is the only run-time dependency; an extra is imported where it is used."
                )


def imports_go_one_way(root: Path) -> Iterator[str]:
    """Imports inside functions do not count: `Network.save` imports the files that import it."""
    package = root / "python" / "rosenblatt"
    path_of = {
        ".".join([*package_of(path, root), path.stem]): path for path in files(package, {".py"})
    }
    path_of = {module.removesuffix(".__init__"): path for module, path in path_of.items()}
    imported = {
        module: {
            each.module
            for each in imported_modules(path, root)
            if each.module in path_of and not comes_from(module, {each.module})
        }
        for module, path in path_of.items()
    }
    try:
        tuple(TopologicalSorter(imported).static_order())
    except CycleError as error:
        yield f"{' imports '.join(error.args[1][::-1])}: imports go one way, without a cycle."


MAP = "docs/architecture.md"
PATH = re.compile(r"`((?:cpp|python|tests|bench|docs)/[\w./]*)`")


def the_map_is_true(root: Path) -> Iterator[str]:
    page = (root / MAP).read_text(encoding="utf-8")
    shown = set(PATH.findall(page))
    for path in sorted(shown):
        if not (root / path).exists():
            yield f"{MAP} shows {path}, which does not exist."
    package = root / "python" / "rosenblatt"
    folders = {f"{name(path.parent, root)}/" for path in files(package, {".py"})}
    for folder in sorted(folders - shown):
        yield f"{MAP} does not show {folder}."


Rule = Callable[[Path], Iterator[str]]

RULES: list[Rule] = [
    layers,
    isa_code_includes_no_library,
    intrinsics_stay_in_simd,
    python_stays_in_bindings,
    memory_has_one_owner,
    cpp_files_say_their_job,
    python_files_say_their_job,
    names_say_something,
    reference_stands_alone,
    package_needs_numpy_alone,
    imports_go_one_way,
    the_map_is_true,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps(rule: Rule) -> None:
    sentences = list(rule(ROOT))
    assert not sentences, "\n" + "\n".join(sentences)


def test_there_is_something_to_read() -> None:
    """A checker that finds no file would be content with everything."""
    assert {room(path, ROOT) for path in cpp_files(ROOT)} == set(LAYERS)
    assert (ROOT / "cpp" / "kernels" / "isa.cpp").is_file()
    assert files(ROOT / "python" / "rosenblatt" / "reference", {".py"})
    assert any(include.target for path in cpp_files(ROOT) for include in includes(path, ROOT))


# ---- The rules themselves: a small sound tree passes, and each planted violation is found ----

SOUND = {
    "cpp/base/views.hpp": "// Views: where numbers lie.\n#include <cstddef>\n",
    "cpp/base/buffer.hpp": "// Buffer: the one owner.\n#include <new>\nauto* p = new int;\n",
    "cpp/simd/pack.hpp": (
        '// Pack: one register.\n#include <immintrin.h>\n#include "base/views.hpp"\n'
    ),
    "cpp/kernels/gemm.inl": '// Products: C = A B.\n#include "simd/pack.hpp"\n',
    "cpp/kernels/isa.cpp": '// One instruction set: its table.\n#include "gemm.inl"\n',
    "cpp/kernels/dispatch.cpp": "// Dispatch: chooses the table once.\n#include <atomic>\n",
    "cpp/model/train.cpp": (
        '// Training: the epoch loop.\n#include <vector>\n#include "kernels/gemm.inl"\n'
        '// no new memory here, and malloc() is a word\nconst char* text = "a new epoch\\n";\n'
        'const char* long_text = R"(a "new" one)";\nauto n = 1\'000;\n'
    ),
    "cpp/bindings/module.cpp": (
        '// The module.\n#include <pybind11/pybind11.h>\n#include "model/train.cpp"\n'
    ),
    "python/rosenblatt/__init__.py": (
        '"""The package."""\n\nimport numpy as np\n\nfrom . import _core\n'
    ),
    "python/rosenblatt/_cli/table.py": '"""Tables."""\n\n\ndef read():\n    import pandas\n',
    "python/rosenblatt/_cli/main.py": '"""The command line."""\n\nfrom .table import read\n',
    "python/rosenblatt/plot/__init__.py": '"""Pictures."""\n\nimport matplotlib\n',
    "python/rosenblatt/sklearn/__init__.py": (
        '"""For scikit-learn."""\n\nfrom sklearn.base import BaseEstimator\n'
    ),
    "python/rosenblatt/reference/__init__.py": '"""The textbook."""\n\nfrom .rng import uniform\n',
    "python/rosenblatt/reference/rng.py": (
        '"""Random numbers."""\n\nimport math\nfrom collections.abc import Iterable\n'
        "from rosenblatt.reference import shuffle\nfrom . import other\n"
    ),
    "tests/core/test_forward.py": '"""Forward agrees."""\n',
    "docs/index.md": "# Documents\n",
    "docs/architecture.md": "".join(
        f"- `python/rosenblatt/{folder}`\n"
        for folder in ("", "_cli/", "plot/", "sklearn/", "reference/")
    ),
}


def plant(root: Path, extra: dict[str, str]) -> Path:
    """A checkout with the sound tree and `extra` files, which may replace some of it."""
    root = root.resolve()
    for path, text in (SOUND | extra).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_sound_tree_is_found_sound(rule: Rule, tmp_path: Path) -> None:
    assert list(rule(plant(tmp_path, {}))) == []


@pytest.mark.parametrize(
    ("rule", "path", "text", "sentence"),
    [
        (
            layers,
            "cpp/base/views.hpp",
            '// Views.\n#include "model/train.cpp"\n',
            "cpp/base/views.hpp:2 (layer 0, base) includes model/train.cpp (layer 3, model)",
        ),
        (
            layers,
            "cpp/kernels/gemm.inl",
            '// G.\n# include "../model/train.cpp"\n',
            "(layer 3, model)",
        ),
        (
            layers,
            "cpp/model/loss.cpp",
            '// L.\n#include "bindings/module.cpp"\n',
            "(layer 4, bindings)",
        ),
        (layers, "cpp/stray.cpp", "// Astray.\n", "cpp/stray.cpp is in no layer"),
        (layers, "cpp/attic/old.cpp", "// Old.\n", "cpp/attic/old.cpp is in no layer"),
        (
            isa_code_includes_no_library,
            "cpp/kernels/gemm.inl",
            "// Products.\n#include <vector>\n",
            "cpp/kernels/gemm.inl:2 includes <vector>",
        ),
        (
            isa_code_includes_no_library,
            "cpp/kernels/isa.cpp",
            "// I.\n#include <algorithm>\n",
            "<algorithm>",
        ),
        (isa_code_includes_no_library, "cpp/simd/math.hpp", "// M.\n#include <cmath>\n", "<cmath>"),
        (
            isa_code_includes_no_library,
            "cpp/base/views.hpp",  # included by simd/pack.hpp
            "// Views.\n#include <string>\n",
            "cpp/base/views.hpp:2 includes <string>",
        ),
        (
            intrinsics_stay_in_simd,
            "cpp/kernels/gemm.inl",
            "// Products.\n#include <immintrin.h>\n",
            "cpp/kernels/gemm.inl:2 includes <immintrin.h>",
        ),
        (
            intrinsics_stay_in_simd,
            "cpp/base/mode.hpp",
            "// M.\n#include <xmmintrin.h>\n",
            "<xmmintrin.h>",
        ),
        (
            intrinsics_stay_in_simd,
            "cpp/model/loss.cpp",
            "// L.\n#include <arm_neon.h>\n",
            "<arm_neon.h>",
        ),
        (
            python_stays_in_bindings,
            "cpp/model/loss.cpp",
            "// Loss.\n#include <pybind11/numpy.h>\n",
            "cpp/model/loss.cpp:2 includes <pybind11/numpy.h>",
        ),
        (python_stays_in_bindings, "cpp/base/a.hpp", "// A.\n#include <Python.h>\n", "<Python.h>"),
        (
            memory_has_one_owner,
            "cpp/model/loss.cpp",
            "// Loss.\n/* two\nlines */\nauto* p = new float[8];\n",
            "cpp/model/loss.cpp:4 says 'new'",
        ),
        (
            memory_has_one_owner,
            "cpp/kernels/a.inl",
            "// A.\nauto p = std::malloc(8);\n",
            "'malloc('",
        ),
        (
            memory_has_one_owner,
            "cpp/bindings/a.cpp",
            "// A.\nauto p = ::operator new(8);\n",
            "'new'",
        ),
        (
            cpp_files_say_their_job,
            "cpp/model/loss.cpp",
            "#pragma once\n// Loss: the cost.\n",
            "cpp/model/loss.cpp opens without a sentence",
        ),
        (cpp_files_say_their_job, "cpp/model/loss.cpp", "", "opens without a sentence"),
        (cpp_files_say_their_job, "cpp/model/loss.cpp", "//\n", "opens without a sentence"),
        (
            python_files_say_their_job,
            "tests/core/test_loss.py",
            "import math\n",
            "tests/core/test_loss.py has no docstring",
        ),
        (python_files_say_their_job, "python/rosenblatt/_a.py", "# a\n", "_a.py has no docstring"),
        (
            names_say_something,
            "cpp/base/string_utils.hpp",
            "// S.\n",
            "string_utils.hpp says 'util'",
        ),
        (
            names_say_something,
            "tests/helpers/__init__.py",
            '"""H."""\n',
            "tests/helpers says 'helper'",
        ),
        (
            names_say_something,
            "python/rosenblatt/_common.py",
            '"""C."""\n',
            "_common.py says 'common'",
        ),
        (
            reference_stands_alone,
            "python/rosenblatt/reference/forward.py",
            '"""Forward."""\n\nimport numpy as np\n',
            "python/rosenblatt/reference/forward.py:3 imports numpy",
        ),
        (
            reference_stands_alone,
            "python/rosenblatt/reference/forward.py",
            '"""Forward."""\n\nfrom .. import _core\n',
            "imports rosenblatt:",
        ),
        (
            reference_stands_alone,
            "python/rosenblatt/reference/forward.py",
            '"""Forward."""\n\n\ndef f():\n    from rosenblatt._core import f\n',
            "imports rosenblatt._core:",
        ),
        (
            package_needs_numpy_alone,
            "python/rosenblatt/_cli/table.py",
            '"""Tables."""\n\ntry:\n    import pandas\nexcept ImportError:\n    pass\n',
            "python/rosenblatt/_cli/table.py:4 imports pandas on import",
        ),
        (
            package_needs_numpy_alone,
            "python/rosenblatt/_cli/table.py",
            '"""Tables."""\n\nimport matplotlib\n',
            "python/rosenblatt/_cli/table.py:3 imports matplotlib on import",
        ),
        (
            package_needs_numpy_alone,
            "python/rosenblatt/plot/_axes.py",
            '"""Axes."""\n\nimport pandas\n',
            "python/rosenblatt/plot/_axes.py:3 imports pandas on import",
        ),
        (
            package_needs_numpy_alone,
            "python/rosenblatt/_steps.py",
            '"""Steps."""\n\nfrom sklearn.base import clone\n',
            "python/rosenblatt/_steps.py:3 imports sklearn.base on import",
        ),
        (
            imports_go_one_way,
            "python/rosenblatt/_cli/table.py",
            '"""Tables."""\n\nif TYPE_CHECKING:\n    from . import main\n',
            "rosenblatt._cli.main imports rosenblatt._cli.table imports rosenblatt._cli.main",
        ),
        (
            the_map_is_true,
            "python/rosenblatt/lecture/__init__.py",
            '"""The lecture."""\n',
            "docs/architecture.md does not show python/rosenblatt/lecture/",
        ),
    ],
)
def test_a_planted_violation_is_found(
    rule: Rule, path: str, text: str, sentence: str, tmp_path: Path
) -> None:
    sentences = list(rule(plant(tmp_path, {path: text})))
    assert len(sentences) == 1, sentences
    assert sentence in sentences[0]
