// Computation: how a call crosses from Python into the mathematics: which calls may use a network at the same time, the
// interpreter's lock released, the specified floating-point mode, Ctrl-C.
#pragma once

#include <pybind11/pybind11.h>

#include <mutex>
#include <thread>

#include "base/float_mode.hpp"
#include "bindings/interpreter.hpp"
#include "model/team.hpp"

namespace rosenblatt::bindings {

namespace py = pybind11;

// Reader/writer lock of a network; the writer may also read, in a callback of its run.
class Access {
  public:
    class Reading {
      public:
        explicit Reading(Access& access) : access_(access) { access_.begin_reading(); }
        ~Reading() { access_.end_reading(); }
        Reading(const Reading&) = delete;
        Reading& operator=(const Reading&) = delete;

      private:
        Access& access_;
    };

    class Writing {
      public:
        explicit Writing(Access& access) : access_(access) { access_.begin_writing(); }
        // From now on the calling thread is the one that may read.
        void move_to_this_thread() noexcept { access_.set_writer(); }
        ~Writing() { access_.end_writing(); }
        Writing(const Writing&) = delete;
        Writing& operator=(const Writing&) = delete;

      private:
        Access& access_;
    };

  private:
    static constexpr const char* training =
        "network: it is being trained; wait until train returns, or work on a copy() made before";
    static constexpr const char* in_use =
        "network: it is in use by another thread; train it when that is done, or a copy()";

    void begin_reading() {
        const std::lock_guard lock(mutex_);
        if (writing_ && writer_ != std::this_thread::get_id()) throw std::runtime_error(training);
        ++readers_;
    }
    void end_reading() noexcept {
        const std::lock_guard lock(mutex_);
        --readers_;
    }
    void begin_writing() {
        const std::lock_guard lock(mutex_);
        if (writing_) throw std::runtime_error(training);
        if (readers_ > 0) throw std::runtime_error(in_use);
        writing_ = true;
        writer_ = std::this_thread::get_id();
    }
    void set_writer() noexcept {
        const std::lock_guard lock(mutex_);
        writer_ = std::this_thread::get_id();
    }
    void end_writing() noexcept {
        const std::lock_guard lock(mutex_);
        writing_ = false;
    }

    std::mutex mutex_;
    std::thread::id writer_;
    int readers_ = 0;
    bool writing_ = false;
};

// Asks Python whether a signal handler raised: true for Ctrl-C. Only the main thread runs handlers.
inline bool python_was_interrupted() {
    const WithInterpreter python;
    return or_sleep([] { return PyErr_CheckSignals() != 0; });
}

// Runs f(team) without the interpreter's lock. After Ctrl-C the handler's exception is raised.
template <class F>
void compute(int threads, F f) {
    try {
        const WithoutInterpreter released;
        const FloatMode mode;
        Stop stop(python_was_interrupted);
        Team team(threads, stop);
        f(team);
    } catch (const Stopped&) {
        throw py::error_already_set();
    }
}

}  // namespace rosenblatt::bindings
