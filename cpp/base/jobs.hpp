// Jobs: a few long ones, each done by one thread from beginning to end, while the caller watches. For the tiles of one
// computation there is the pool of base/thread_pool.hpp.
#pragma once

#include <cstddef>

namespace rosenblatt {

using Job = void (*)(void* context, std::size_t index) noexcept;
using Watch = void (*)(void* context) noexcept;

// Calls job(i) once for every i below `count`, on at most `threads` threads of its own, and watch() on the calling
// thread every few milliseconds until all are done. Jobs begin in order. If `threads` is 0 or no thread can start, the
// caller does them, and watches between two. No thread outlives the call. Throws std::bad_alloc before the first job.
void run_jobs(std::size_t count, int threads, Job job, Watch watch, void* context);

// The same for callables job(i) noexcept and watch() noexcept.
template <class J, class W>
void run_jobs(std::size_t count, int threads, J job, W watch) {
    struct Both {
        J& job;
        W& watch;
    } both{job, watch};
    run_jobs(
        count, threads, [](void* f, std::size_t i) noexcept { static_cast<Both*>(f)->job(i); },
        [](void* f) noexcept { static_cast<Both*>(f)->watch(); }, &both);
}

}  // namespace rosenblatt
