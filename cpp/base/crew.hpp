// Crew: threads for jobs that are few and long, each done by one thread from beginning to end, while the caller watches. For
// tiles of one computation there is the pool of base/thread_pool.hpp.
#pragma once

#include <cstddef>

namespace rosenblatt {

class Crew {
  public:
    using Job = void (*)(void* context, std::size_t index) noexcept;
    using Watch = void (*)(void* context) noexcept;

    // Calls job(i) once for every i below `count`, on at most `threads` threads of its own, and watch() on the calling
    // thread every few milliseconds until all are done. Jobs are begun in order. If `threads` is 0 or no thread can start, the
    // caller does them, and watches between two. Throws std::bad_alloc before the first job.
    static void run(std::size_t count, int threads, Job job, Watch watch, void* context);

    // The same for callables job(i) noexcept and watch() noexcept.
    template <class J, class W>
    static void run(std::size_t count, int threads, J job, W watch) {
        struct Both {
            J& job;
            W& watch;
        } both{job, watch};
        run(
            count, threads, [](void* f, std::size_t i) noexcept { static_cast<Both*>(f)->job(i); },
            [](void* f) noexcept { static_cast<Both*>(f)->watch(); }, &both);
    }
};

}  // namespace rosenblatt
