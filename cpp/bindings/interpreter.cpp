// Interpreter: its lock, and what becomes of a thread during the shutdown.
#include "bindings/interpreter.hpp"

#include <unistd.h>

namespace rosenblatt::bindings {

namespace {

bool is_shutting_down() noexcept {
#if PY_VERSION_HEX >= 0x030D0000
    return Py_IsFinalizing() != 0;
#else
    return _Py_IsFinalizing() != 0;
#endif
}

// Only the thread that shuts the interpreter down has the lock during the shutdown.
thread_local bool shuts_down = false;

void sleep_if_shut_out() noexcept {
    if (is_shut_out()) sleep_until_exit();
}

}  // namespace

bool is_shut_out() noexcept { return is_shutting_down() && !shuts_down; }

void sleep_until_exit() noexcept {
    for (;;) pause();
}

// Between the look and the call the shutdown can begin, so both are needed: a thread without a state of its own would
// create one in an interpreter that no longer exists.
WithInterpreter::WithInterpreter() {
    sleep_if_shut_out();
    state_ = or_sleep([] { return PyGILState_Ensure(); });
}

WithoutInterpreter::WithoutInterpreter() noexcept {
    if (is_shutting_down()) shuts_down = true;
    state_ = PyEval_SaveThread();
}

WithoutInterpreter::~WithoutInterpreter() {
    sleep_if_shut_out();
    or_sleep([&] { PyEval_RestoreThread(state_); });
}

}  // namespace rosenblatt::bindings
