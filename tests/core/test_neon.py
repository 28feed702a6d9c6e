"""An arm64 processor gives the bits of this one: bits_of_training.cpp cross-compiled, in qemu."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rosenblatt.reference.math import FUNCTIONS

ROOT = Path(__file__).resolve().parents[2]
CMAKE = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
PROGRAM = "tests/core/bits_of_training.cpp"
CROSS = "aarch64-linux-gnu-"
EMULATOR = "qemu-aarch64"
NATIVE = os.environ.get("CXX", "c++")

# A build folder with the objects for this machine, which are compiled here if it is not given.
BUILD = os.environ.get("ROSENBLATT_BUILD")

MISSING = [
    tool for tool in (NATIVE, CROSS + "g++", CROSS + "nm", EMULATOR) if not shutil.which(tool)
]
pytestmark = [
    pytest.mark.timeout(900),  # the compiler needs minutes
    pytest.mark.skipif(
        platform.machine() not in {"x86_64", "AMD64"}, reason="compares arm64 with x86-64"
    ),
    pytest.mark.skipif(
        bool(MISSING),
        reason=f"needs {', '.join(MISSING)} (Debian: g++-aarch64-linux-gnu, qemu-user)",
    ),
]


def words(call: str) -> list[str]:
    """The words that follow `call` in CMakeLists.txt, up to the closing bracket."""
    found = re.search(re.escape(call) + r"([^)]*)\)", CMAKE)
    assert found, f"CMakeLists.txt has no {call}"
    return found[1].split()


def options(call: str) -> list[str]:
    """Those among them that are options of the compiler and not CMake's expressions."""
    return [word for word in words(call) if word.startswith("-")]


def isas_of_this_machine() -> dict[str, list[str]]:
    """The options that belong to the objects of x86-64's instruction sets."""
    beyond = re.findall(r"set\(FLAGS_(\w+) ([^)]*)\)", CMAKE)
    return {"baseline": []} | {isa: flags.split() for isa, flags in beyond}


FLAGS = ["-std=c++20", "-DNDEBUG", f"-I{ROOT / 'cpp'}"]
FLAGS += options("target_compile_options(rosenblatt_flags INTERFACE")


def compile_program(
    folder: Path, compiler: str, isas: dict[str, list[str]], kernels: list[str], rest: list[str]
) -> Path:
    """Compile bits_of_training with a table per instruction set, as CMakeLists.txt would.

    `kernels` and `rest` are the last options for the objects of the kernels and for all others.
    """
    commands: dict[Path, list[str]] = {}
    for isa, flags_of_isa in isas.items():
        target = folder / f"rosenblatt_isa_{isa}" / "isa.cpp.o"
        commands[target] = [*options("target_compile_options(rosenblatt_isa_${isa} PRIVATE")]
        commands[target] += [*flags_of_isa, *kernels, f"-DROSENBLATT_ISA={isa}"]
        commands[target] += [str(ROOT / "cpp/kernels/isa.cpp")]
    sources = [word for word in words("add_library(rosenblatt_model STATIC") if word[-4:] == ".cpp"]
    for source in [*sources, PROGRAM]:
        commands[folder / f"{source}.o"] = [*rest, str(ROOT / source)]

    def run(target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [compiler, *FLAGS, *commands[target], "-c", "-o", str(target)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{compiler} cannot compile {target.name}:\n{done.stderr}"

    with ThreadPoolExecutor(os.cpu_count()) as compilers:
        list(compilers.map(run, commands))
    program = folder / "bits_of_training"
    linked = ["-static", "-pthread", "-o", str(program)]
    subprocess.run([compiler, *map(str, commands), *linked], check=True)
    return program


def lines(*command: str | Path) -> list[str]:
    """What a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.fixture(scope="module")
def cross_compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program for arm64; a warning is an error."""
    folder = tmp_path_factory.mktemp("arm64")
    return compile_program(
        folder, CROSS + "g++", {"neon": []}, ["-O1", "-Werror"], ["-O1", "-Werror"]
    )


@pytest.fixture(scope="module")
def on_arm64(cross_compiled: Path) -> list[str]:
    """The lines of the arm64 program: the name of a case and the hash of its results."""
    return lines(EMULATOR, cross_compiled, "neon")


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program for this machine: quickly compiled, for the bits depend on no optimisation."""
    folder = tmp_path_factory.mktemp("native")
    if BUILD:
        program = folder / "bits_of_training"
        command = [NATIVE, *FLAGS, "-w", str(ROOT / PROGRAM), f"{BUILD}/librosenblatt_model.a"]
        subprocess.run([*command, "-pthread", "-o", str(program)], check=True)
        return program
    return compile_program(folder, NATIVE, isas_of_this_machine(), ["-O1", "-w"], ["-O1", "-w"])


def differing(got: list[str], wanted: list[str]) -> Iterator[str]:
    for one, other in zip(got, wanted, strict=True):
        if one != other:
            yield f"{one} here, {other} on arm64"


def test_neon_is_the_table_of_arm64(cross_compiled: Path) -> None:
    assert lines(EMULATOR, cross_compiled) == ["neon"]


def test_its_object_exports_its_table_alone(cross_compiled: Path) -> None:
    done = subprocess.run(
        ["bash", str(ROOT / "cpp/check_symbols.sh"), str(cross_compiled.parent)],
        env=os.environ | {"NM": CROSS + "nm"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("exports rosenblatt::kernel_table_neon\n")


def test_every_case_has_its_own_bits(on_arm64: list[str]) -> None:
    """A program that computes nothing would agree with itself."""
    names, hashes = zip(*(line.split() for line in on_arm64), strict=True)
    assert len(set(names)) == len(set(hashes)) == len(on_arm64)
    for dtype in ("float32", "float64"):
        for what in FUNCTIONS:
            assert f"{dtype}/{what}" in names
    for what in (
        "softmax",
        "gelu",
        "squared_error",
        "labels",
        "nesterov",
        "lion",
        "batch=23",
        "orthogonal",
        "noise-dropout",
        "+batch",
        "+layer+skip",
        "sparse",
    ):
        assert any(what in name for name in names)


def test_training_on_arm64_gives_the_same_bits(on_arm64: list[str], native: Path) -> None:
    isas = lines(native)
    assert set(isas) <= set(isas_of_this_machine())
    for isa in isas:
        found = list(differing(lines(native, isa), on_arm64))
        assert not found, f"{isa}:\n" + "\n".join(found)
