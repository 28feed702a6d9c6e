// Threads: the pool's workings. A job has seats; a worker takes one under the mutex, computes tiles until none is left,
// and leaves.
#include "base/thread_pool.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <thread>

#include "base/blocked_signals.hpp"
#include "base/float_mode.hpp"

namespace rosenblatt {

namespace {

// About the time that a sleeping thread takes to wake: spinning longer than this costs more than it saves.
constexpr auto spin_time = std::chrono::microseconds(30);

std::atomic<ThreadPool*> shared_pool{nullptr};

void forget_pool_after_fork() noexcept {
    // The child has the pool's memory but none of its threads, and its mutexes may be locked: start a new one.
    shared_pool.store(nullptr, std::memory_order_relaxed);
}

// The control group's processor quota, rounded up, or `otherwise`.
int cgroup_processors(int otherwise) noexcept {
    std::FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "re");
    if (file == nullptr) return otherwise;
    double quota = 0;
    double period = 0;
    const bool limited = std::fscanf(file, "%lf %lf", &quota, &period) == 2;  // "max 100000" does not match
    std::fclose(file);
    if (!limited || !(quota > 0) || !(period > 0) || quota / period >= otherwise) return otherwise;
    return std::max(1, static_cast<int>(quota / period + 0.999));
}

template <class Condition>
bool spin_until(Condition met) noexcept {
    const auto deadline = std::chrono::steady_clock::now() + spin_time;
    while (!met()) {
        for (int i = 0; i < 64; ++i) {
#if defined(__x86_64__)
            __builtin_ia32_pause();
#elif defined(__aarch64__)
            __asm__ volatile("yield");
#endif
            if (met()) return true;
        }
        if (std::chrono::steady_clock::now() > deadline) return false;
    }
    return true;
}

}  // namespace

int available_threads() noexcept {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    const int processors = sched_getaffinity(0, sizeof allowed, &allowed) == 0
                               ? CPU_COUNT(&allowed)
                               : static_cast<int>(std::thread::hardware_concurrency());
    static const int quota = cgroup_processors(1 << 20);
    return std::max(1, std::min(processors, quota));
}

// Every thread begins with its own share, the same one for all jobs of the same number of tiles, so that it finds in
// its cache what it left there. Idle threads steal from other shares.
struct ThreadPool::Job {
    struct alignas(64) Share {
        std::atomic<std::size_t> next{0};
        std::size_t end = 0;
    };
    static constexpr std::size_t most_shares = 64;

    Tile tile;
    void* context;
    std::size_t n_shares;
    std::atomic<std::size_t> seats_taken{1};  // the caller has the first
    Share shares[most_shares];

    Job(Tile tile_, void* context_, std::size_t count, std::size_t seats) noexcept
        : tile(tile_), context(context_), n_shares(std::min(seats, most_shares)) {
        for (std::size_t i = 0; i < n_shares; ++i) {
            shares[i].next.store(count * i / n_shares, std::memory_order_relaxed);
            shares[i].end = count * (i + 1) / n_shares;
        }
    }

    void compute(std::size_t seat) noexcept {
        for (std::size_t i = 0; i < n_shares; ++i) {
            Share& share = shares[(seat + i) % n_shares];
            for (;;) {
                const std::size_t index = share.next.fetch_add(1, std::memory_order_relaxed);
                if (index >= share.end) break;
                tile(context, index, seat);
            }
        }
    }
};

ThreadPool* ThreadPool::shared() noexcept {
    static const int registered = pthread_atfork(nullptr, nullptr, forget_pool_after_fork);
    (void)registered;
    ThreadPool* pool = shared_pool.load(std::memory_order_acquire);
    if (pool == nullptr) {
        // Never destroyed: at exit the workers may still be asleep in it.
        std::unique_ptr<ThreadPool> made{new (std::nothrow) ThreadPool};
        if (made && shared_pool.compare_exchange_strong(pool, made.get(), std::memory_order_acq_rel))
            pool = made.release();
    }
    return pool;
}

void ThreadPool::run(std::size_t count, int threads, Tile tile, void* context) {
    ThreadPool* const pool = threads > 1 && count > 1 ? shared() : nullptr;
    if (pool != nullptr && pool->run_if_free(count, threads, tile, context)) return;
    for (std::size_t i = 0; i < count; ++i) tile(context, i, 0);
}

bool ThreadPool::run_if_free(std::size_t count, int threads, Tile tile, void* context) {
    const std::unique_lock mine(taken_, std::try_to_lock);
    if (!mine.owns_lock()) return false;
    const int others = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(threads), count)) - 1;
    hire(others);
    Job job(tile, context, count, static_cast<std::size_t>(others) + 1);
    {
        const std::lock_guard lock(mutex_);
        job_ = &job;
        free_seats_ = others;
        posted_.fetch_add(1, std::memory_order_release);
    }
    job_posted_.notify_all();
    job.compute(0);
    {
        const std::lock_guard lock(mutex_);
        job_ = nullptr;
        free_seats_ = 0;
    }
    const auto all_left = [this] { return at_work_.load(std::memory_order_acquire) == 0; };
    if (!spin_until(all_left)) {
        std::unique_lock lock(mutex_);
        worker_left_.wait(lock, all_left);
    }
    return true;
}

void ThreadPool::hire(int workers) noexcept {
    for (; workers_ < workers; ++workers_) {
        const BlockedSignals blocked;
        try {
            std::thread([this] { work(); }).detach();
        } catch (const std::exception&) {
            break;  // no more threads, or no memory for one
        }
    }
}

void ThreadPool::work() noexcept {
    const FloatMode mode;
    std::uint64_t seen = 0;
    for (;;) {
        if (posted_.load(std::memory_order_acquire) == seen &&
            !spin_until([&] { return posted_.load(std::memory_order_acquire) != seen; })) {
            std::unique_lock lock(mutex_);
            job_posted_.wait(lock, [&] { return posted_.load(std::memory_order_relaxed) != seen; });
        }
        Job* job = nullptr;
        {
            const std::lock_guard lock(mutex_);
            seen = posted_.load(std::memory_order_relaxed);
            if (free_seats_ > 0) {
                --free_seats_;
                at_work_.fetch_add(1, std::memory_order_relaxed);
                job = job_;
            }
        }
        if (job == nullptr) continue;
        job->compute(job->seats_taken.fetch_add(1, std::memory_order_relaxed));
        {
            const std::lock_guard lock(mutex_);
            at_work_.fetch_sub(1, std::memory_order_release);
        }
        worker_left_.notify_one();
    }
}

}  // namespace rosenblatt
