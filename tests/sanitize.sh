#!/usr/bin/env bash
# The tests under GCC's sanitizers: builds the package with -O1, runs pytest from the checkout with the sanitizer's
# runtime loaded first, and fails on any report of any process, also if the test itself passed.
#
#     bash tests/sanitize.sh address,undefined [pytest's arguments]     (without arguments: every test)
#     bash tests/sanitize.sh thread [pytest's arguments]                (without arguments: the tests of threads)
#
# It keeps what it builds and installs in build/sanitize-address or build/sanitize-thread, for the next run.
set -Eeuo pipefail

sanitizers=${1:?usage: sanitize.sh address,undefined|thread [pytest\'s arguments]}
shift
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

export CC=gcc CXX=g++ PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV

# Not for a sanitizer; each with its reason.
not_here=(
    tests/core/test_neon.py       # a program for another processor, compiled without a sanitizer, in an emulator
    tests/core/test_allocation.py # puts its own malloc before the sanitizer's
    # Needs a process of 4 GiB of address space; the shadow memory alone is terabytes.
    tests/api/test_arguments.py::test_a_network_larger_than_the_memory_is_a_memory_error
    # These promise seconds, for the code that users get.
    tests/project/test_footprint.py::test_importing_it_is_quick
    tests/core/test_interrupt.py::test_ctrl_c_in_the_middle_of_a_long_step
    tests/core/test_interrupt.py::test_ctrl_c_while_a_large_call_is_prepared
    tests/core/test_oversubscription.py
)
# What starts threads, forks, is interrupted, or uses one object from several threads.
tests_of_threads=(
    tests/core/test_threads.py tests/core/test_train_many.py tests/core/test_process.py tests/core/test_interrupt.py
    tests/core/test_overwritten.py tests/core/test_learner.py tests/core/test_floating_point.py tests/core/test_dropout.py
    tests/core/test_isa.py
)

libraries=()
reports=log_path=$work/report
case $sanitizers in
address,undefined)
    # GCC's "undefined" leaves out conversions of numbers that do not fit; here they are mistakes as well.
    flags=address,undefined,float-cast-overflow
    libraries=(libasan.so libubsan.so)
    # detect_leaks=0: CPython frees little at exit, by design; tests/core/test_allocation.py looks for memory that grows.
    # handle_abort: libubsan writes to stderr, which a test may keep to itself, and its log_path only sets libasan's; so
    # its mistakes abort, as failed assertions do, and libasan logs that with the stack.
    # PYTHONMALLOC: CPython's own allocator would hide the borders of small objects.
    settings=(ASAN_OPTIONS="detect_leaks=0:handle_abort=1:$reports"
        UBSAN_OPTIONS="halt_on_error=1:abort_on_error=1:print_stacktrace=1:$reports" PYTHONMALLOC=malloc)
    default_tests=()
    ;;
thread)
    flags=thread
    libraries=(libtsan.so)
    # die_after_fork=0: the tests of fork start threads in the child.
    settings=(TSAN_OPTIONS="die_after_fork=0:handle_abort=1:$reports")
    not_here+=(
        tests/core/test_overwritten.py::test_another_thread_overwrites_them # its own race is the point of it
        # They fork while scikit-learn has threads, whose ids this sanitizer does not let a child use again.
        "tests/core/test_process.py::test_an_exit_while_a_daemon_thread_computes_has_status_0[a perceptron]"
        "tests/core/test_process.py::test_an_exit_while_a_daemon_thread_computes_has_status_0[an estimator]"
        "tests/core/test_process.py::test_an_exit_while_a_daemon_thread_computes_has_status_0[a sample of a stream]"
        tests/core/test_interrupt.py::test_ctrl_c_in_a_long_validation # here the key comes before the first step
    )
    default_tests=("${tests_of_threads[@]}")
    ;;
*)
    echo "sanitize: no run for '$sanitizers': address,undefined or thread" >&2
    exit 2
    ;;
esac
[[ $# -gt 0 ]] || set -- "${default_tests[@]}"
preload=""
for library in "${libraries[@]}"; do
    path=$(g++ -print-file-name="$library")
    [[ $path == /* ]] || { echo "sanitize: g++ has no $library" >&2; exit 2; }
    preload+=${preload:+ }$path
done
settings+=(LD_PRELOAD="$preload")

# GCC 12's thread sanitizer cannot place its shadow where the kernel spreads addresses widely.
fixed=()
[[ $sanitizers != thread ]] || ! setarch -R true 2>/dev/null || fixed=(setarch -R)

under_sanitizer() {
    "${fixed[@]}" env "${settings[@]}" "$@"
}

kept=$PWD/build/sanitize-${sanitizers%%,*}
python3 -m venv "$kept/venv"
python=$kept/venv/bin/python

# Not every environment lets a sanitizer report; a run that cannot is not worth its time. One mistake of each kind:
cat >"$work/mistakes.cpp" <<'CODE'
#include <thread>
extern "C" int address(int n) { int* p = new int[n]; volatile int x = p[n]; delete[] p; return x; }
extern "C" int undefined(int n) { volatile int x = n + 2147483647; return x; }
extern "C" int thread(int n) { std::thread other([&] { n = 1; }); n = 2; other.join(); return n; }
CODE
g++ -O0 -g1 -shared -fPIC -pthread -fsanitize=$flags -o "$work/mistakes.so" "$work/mistakes.cpp"
for sanitizer in ${sanitizers//,/ }; do
    under_sanitizer "$python" -c "import ctypes; ctypes.CDLL('$work/mistakes.so').$sanitizer(1)" >"$work/out" 2>&1 || true
    compgen -G "$work/report*" >"$work/found" || {
        echo "sanitize: the $sanitizer sanitizer reports nothing here:" >&2
        cat "$work/out" >&2
        exit 1
    }
    rm "$work"/report*
done

# Without isolation, and with a kept folder, only what changed is compiled again.
"$python" -m pip install --quiet --requirement tests/requirements.txt
"$python" -m pip install --quiet --constraint .ci/constraints.txt scikit-build-core pybind11 cmake ninja
[[ -n ${CMAKE_CXX_COMPILER_LAUNCHER-} ]] || ! command -v ccache >/dev/null || export CMAKE_CXX_COMPILER_LAUNCHER=ccache
"$python" -m pip install --quiet --no-build-isolation --no-deps . \
    --config-settings=build-dir="$kept/objects" --config-settings=cmake.build-type=RelWithDebInfo \
    --config-settings=cmake.define.ROSENBLATT_SANITIZE=$flags
echo "sanitize: built with -fsanitize=$flags after $SECONDS s"

status=0
under_sanitizer "$python" -m pytest -p no:cacheprovider --patience=10 "${not_here[@]/#/--deselect=}" "$@" || status=$?
count=0
for report in "$work"/report*; do
    [[ -e $report ]] || continue
    count=$((count + 1))
    cat "$report" >&2
done
echo "sanitize: $sanitizers: $count processes with a report, pytest's status $status, after $SECONDS s"
[[ $count -eq 0 && $status -eq 0 ]]
