#!/usr/bin/env bash
# Reads the object files of the kernels in a build folder: each instruction set's object exports its table and nothing
# else, so that no AVX-512 copy of an inline function can reach a machine without it.
#
#     bash cpp/check_symbols.sh BUILD_FOLDER
#
# NM names the program that reads them, for objects of another processor: NM=aarch64-linux-gnu-nm.
set -euo pipefail

build=${1:?usage: check_symbols.sh BUILD_FOLDER}
checked=0
failed=0

while IFS= read -r -d '' object; do
    checked=$((checked + 1))
    # What the linker sees of the object: "ADDRESS TYPE NAME". Types V, W, v, w and u are weak: an inline function, a
    # template or a type's name that another object may hold as well, compiled for another instruction set.
    symbols=$("${NM:-nm}" --demangle --defined-only --extern-only "$object")
    if [[ $(wc -l <<<"$symbols") -eq 1 && $symbols =~ ^[0-9a-f]+\ [TDRB]\ (rosenblatt.*table.*)$ ]]; then
        echo "check_symbols: ${object#"$build"/} exports ${BASH_REMATCH[1]}"
    else
        failed=1
        echo "check_symbols: $object exports something else than its table:" >&2
        echo "${symbols:-(no symbol)}" >&2
    fi
done < <(find "$build" -path '*rosenblatt_isa_*' -name isa.cpp.o -print0 | sort -z)

if [[ $checked -eq 0 ]]; then
    echo "check_symbols: no object of cpp/kernels/isa.cpp below $build" >&2
    exit 1
fi
exit "$failed"
