// Interpreter: its lock is released for a computation and taken again here, and Python functions are called here. A
// thread that asks for the lock of an interpreter that is shutting down sleeps until the process exits.
#pragma once

#include <pybind11/pybind11.h>

#include <utility>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace rosenblatt::bindings {

namespace py = pybind11;

// Whether the interpreter is shutting down: only the thread that shuts it down can still have its lock.
bool is_shutting_down() noexcept;

[[noreturn]] void sleep_until_exit() noexcept;

// Returns f(), a call of CPython that may take the interpreter's lock. CPython ends a thread that takes the lock during
// the shutdown: pthread_exit unwinds its stack, would release Python objects without the lock, and would end the
// process at the first function that is noexcept. The thread sleeps instead.
template <class F>
auto or_sleep(F f) {
#if defined(__GLIBCXX__)
    try {
        return f();
    } catch (abi::__forced_unwind&) {
        sleep_until_exit();
    }
#else
    return f();
#endif
}

// A scope with the interpreter's lock, on any thread.
class WithInterpreter {
  public:
    WithInterpreter();
    ~WithInterpreter();
    WithInterpreter(const WithInterpreter&) = delete;
    WithInterpreter& operator=(const WithInterpreter&) = delete;

  private:
    PyGILState_STATE state_;
    bool left_;  // as it was
};

// A scope without it, in a thread that has it before and afterwards.
class WithoutInterpreter {
  public:
    WithoutInterpreter() noexcept;
    ~WithoutInterpreter();
    WithoutInterpreter(const WithoutInterpreter&) = delete;
    WithoutInterpreter& operator=(const WithoutInterpreter&) = delete;

  private:
    bool left_;  // as it was
    PyThreadState* state_;
};

// f(arguments...), with the interpreter's lock. Throws the function's exception.
template <class... A>
py::object call(const py::object& f, A&&... arguments) {
    const py::tuple packed = py::make_tuple(std::forward<A>(arguments)...);
    PyObject* const result = or_sleep([&] { return PyObject_CallObject(f.ptr(), packed.ptr()); });
    if (result == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(result);
}

}  // namespace rosenblatt::bindings
