// Threads: one pool for the process. Work is a number of tiles that write to disjoint places, so who computes which
// tile cannot change a bit. Waiting threads spin briefly, then sleep; after a fork the child starts a pool of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace rosenblatt {

// Processors that this process may use: the affinity mask, and the quota of the control group, if any.
int available_threads() noexcept;

class ThreadPool {
  public:
    using Tile = void (*)(void* context, std::size_t index, std::size_t seat) noexcept;

    // Calls tile(context, i, seat) once for every i below `count`, on at most `threads` threads of which the caller is
    // one, and returns when all are done. Threads that work at the same time have different seats below `threads`. If
    // the pool is taken, or fewer threads can start, fewer do the work.
    static void run(std::size_t count, int threads, Tile tile, void* context);

    // The same for a callable tile(i, seat) noexcept.
    template <class F>
    static void run(std::size_t count, int threads, F tile) {
        const Tile call = [](void* f, std::size_t i, std::size_t seat) noexcept { (*static_cast<F*>(f))(i, seat); };
        run(count, threads, call, &tile);
    }

  private:
    struct Job;

    ThreadPool() = default;
    static ThreadPool* shared() noexcept;  // null without memory for it
    bool run_if_free(std::size_t count, int threads, Tile tile, void* context);
    void hire(int workers) noexcept;
    void work() noexcept;

    std::mutex taken_;  // held by the thread whose job is running
    std::mutex mutex_;  // guards job_, free_seats_, and the sleeping
    std::condition_variable job_posted_;
    std::condition_variable worker_left_;
    std::atomic<std::uint64_t> posted_{0};  // jobs posted so far
    std::atomic<int> at_work_{0};           // workers inside the current job
    Job* job_ = nullptr;
    int free_seats_ = 0;
    int workers_ = 0;
};

}  // namespace rosenblatt
