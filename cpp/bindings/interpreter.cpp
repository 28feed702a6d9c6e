// Interpreter: its lock, and what becomes of a thread during the shutdown.
#include "bindings/interpreter.hpp"

#include <unistd.h>

#include <utility>

namespace rosenblatt::bindings {

bool is_shutting_down() noexcept {
#if PY_VERSION_HEX >= 0x030D0000
    return Py_IsFinalizing() != 0;
#else
    return _Py_IsFinalizing() != 0;
#endif
}

namespace {

// Of this thread: it released the lock, and no shutdown had begun. One that does so later is the thread that shuts
// down.
thread_local bool left = false;

// A thread of base/jobs.hpp has no thread state of Python.
bool has_lock() noexcept { return !left && PyGILState_GetThisThreadState() != nullptr; }

void sleep_if_shut_out() noexcept {
    if (is_shutting_down() && !has_lock()) sleep_until_exit();
}

}  // namespace

void sleep_until_exit() noexcept {
    for (;;) pause();
}

// Between the look and the call the shutdown can begin, so both are needed: a thread without a state of its own would
// create one in an interpreter that no longer exists.
WithInterpreter::WithInterpreter() {
    sleep_if_shut_out();
    state_ = or_sleep([] { return PyGILState_Ensure(); });
    left_ = std::exchange(left, false);
}

WithInterpreter::~WithInterpreter() {
    left = left_;
    PyGILState_Release(state_);
}

WithoutInterpreter::WithoutInterpreter() noexcept
    : left_(std::exchange(left, !is_shutting_down())), state_(PyEval_SaveThread()) {}

WithoutInterpreter::~WithoutInterpreter() {
    sleep_if_shut_out();
    or_sleep([&] { PyEval_RestoreThread(state_); });
    left = left_;
}

}  // namespace rosenblatt::bindings
