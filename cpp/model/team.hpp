// Team: the threads of a computation, and whether it was requested to stop.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>

#include "base/buffer.hpp"
#include "base/thread_pool.hpp"

namespace rosenblatt {

// Thrown by the calling thread from a computation that was requested to stop. Nothing visible to the caller is half
// written: parameters change only in `update`, which is not interruptible.
struct Stopped {};

// Polls the outside world every few milliseconds. Only the calling thread polls; workers check the flag at every tile.
class Stop {
  public:
    using Question = bool (*)();  // true: stop

    explicit Stop(Question question) : question_(question) {}

    // Child stop token: never polls Python, stops when its parent does.
    explicit Stop(const Stop* of_all) : question_([] { return false; }), of_all_(of_all) {}

    bool requested() const noexcept {
        return requested_.load(std::memory_order_relaxed) || (of_all_ != nullptr && of_all_->requested());
    }

    // Polls now, unless a stop was requested before.
    void ask() noexcept {
        if (!requested() && question_()) request();
    }

    void request() noexcept { requested_.store(true, std::memory_order_relaxed); }

    // Called by the calling thread after `work` multiply-adds.
    void look(double work) noexcept {
        work_ += work;
        if (work_ < work_between_looks_at_the_clock) return;
        work_ = 0;
        const auto now = std::chrono::steady_clock::now();
        if (now - asked_ < time_between_questions) return;
        asked_ = now;
        ask();
    }

    void throw_if_requested() const {
        if (requested()) throw Stopped{};
    }

  private:
    // Reading the clock costs 30 ns, the time of about 1,000 multiply-adds; the poll takes the interpreter's lock, and
    // a delay of 20 ms is not noticeable.
    static constexpr double work_between_looks_at_the_clock = 50'000;
    static constexpr auto time_between_questions = std::chrono::milliseconds(20);

    Question question_;
    const Stop* of_all_ = nullptr;
    double work_ = 0;
    std::chrono::steady_clock::time_point asked_ = std::chrono::steady_clock::now();
    std::atomic<bool> requested_{false};
};

class Team {
  public:
    // Multiply-adds of one tile: 4 to 20 us, some times what it costs to hand it to a thread that spins. Work that is
    // less than four of them stays on the calling thread.
    static constexpr double work_of_a_tile = 5e5;
    static constexpr double work_of_a_thread = 4 * work_of_a_tile;

    // threads: how many at most; 0 for as many as the process may use when there is work for them.
    Team(int threads, Stop& stop) noexcept : threads_(threads), stop_(stop) {}

    // Calls tile(i) noexcept for 0 <= i < n_tiles, each `work` multiply-adds. Throws Stopped.
    template <class F>
    void tiles(std::size_t n_tiles, double work, F tile) {
        tiles_with_seats(n_tiles, work, [&](std::size_t i, std::size_t) noexcept { tile(i); });
    }

    // The same with scratch memory: tile(i, scratch); `scratch` (size,) belongs to no other tile that runs now.
    template <class T, class F>
    void tiles_with_scratch(std::size_t n_tiles, double work, std::size_t size, F tile) {
        const ScratchPerThread<T> scratch = take_scratch<T>(n_tiles, size);
        tiles_with_seats(n_tiles, work, [&](std::size_t i, std::size_t seat) noexcept { tile(i, scratch.of(seat)); });
    }

    // Calls tile(i, seat) noexcept; see ThreadPool::run.
    template <class F>
    void tiles_with_seats(std::size_t n_tiles, double work, F tile) {
        if (n_tiles == 1) {
            tile(std::size_t{0}, std::size_t{0});
            stop_.look(work);
        } else {
            const auto caller = std::this_thread::get_id();
            auto unless_stopped = [&](std::size_t i, std::size_t seat) noexcept {
                if (stop_.requested()) return;
                tile(i, seat);
                if (std::this_thread::get_id() == caller) stop_.look(work);
            };
            ThreadPool::run(n_tiles, threads(), unless_stopped);
        }
        stop_.throw_if_requested();
    }

    // Calls f() noexcept, `work` multiply-adds, on this thread. Whether to stop is asked afterwards, and for the caller
    // to act on, by throw_if_stopped().
    template <class F>
    void alone(double work, F f) {
        f();
        stop_.look(work);
    }
    void throw_if_stopped() const { stop_.throw_if_requested(); }

    // Calls f(first, count) noexcept for slices that cover 0 ... n - 1, in order, on this thread; an item is
    // `work_per_item` multiply-adds. Throws Stopped.
    template <class F>
    void in_order(std::size_t n, double work_per_item, F f) {
        const auto at_once = static_cast<std::size_t>(std::max(1.0, work_of_a_thread / work_per_item));
        for (std::size_t first = 0; first < n; first += at_once) {
            const std::size_t count = std::min(at_once, n - first);
            alone(work_per_item * static_cast<double>(count), [&]() noexcept { f(first, count); });
            throw_if_stopped();
        }
    }

    // Calls f(first, count) noexcept for slices that cover 0 ... n - 1; an item is `work_per_item` multiply-adds.
    template <class F>
    void slices(std::size_t n, double work_per_item, F f) {
        const double work = work_per_item * static_cast<double>(n);
        if (work < 2 * work_of_a_thread) {
            tiles(1, work, [&](std::size_t) noexcept { f(std::size_t{0}, n); });
            return;
        }
        const std::size_t n_tiles = tiles_worth(n, work);
        tiles(n_tiles, work / static_cast<double>(n_tiles), [&](std::size_t i) noexcept {
            const std::size_t first = n * i / n_tiles;
            f(first, n * (i + 1) / n_tiles - first);
        });
    }

    // The same two for work that must not be interrupted: nothing is polled or thrown.
    template <class F>
    void tiles_uninterrupted(std::size_t n_tiles, F tile) noexcept {
        if (n_tiles == 1) tile(std::size_t{0});
        else ThreadPool::run(n_tiles, threads(), [&](std::size_t i, std::size_t) noexcept { tile(i); });
    }

    // Room was reserved before, so that nothing can fail half way.
    template <class T>
    void reserve(std::size_t n_tiles, std::size_t size) {
        take_scratch<T>(n_tiles, size);
    }
    // Scratch of the calling thread, rows x cols, valid until the next request.
    template <class T>
    Matrix<T> scratch(std::size_t rows, std::size_t cols) {
        return {take_scratch<T>(1, rows * cols).of(0), rows, cols, cols};
    }
    template <class T, class F>
    void tiles_with_scratch_uninterrupted(std::size_t n_tiles, std::size_t size, F tile) noexcept {
        const ScratchPerThread<T> scratch = take_scratch<T>(n_tiles, size);
        if (n_tiles == 1) return tile(std::size_t{0}, scratch.of(0));
        ThreadPool::run(n_tiles, threads(),
                        [&](std::size_t i, std::size_t seat) noexcept { tile(i, scratch.of(seat)); });
    }

    template <class F>
    void slices_uninterrupted(std::size_t n, double work_per_item, F f) noexcept {
        const std::size_t n_tiles = tiles_worth(n, work_per_item * static_cast<double>(n));
        tiles_uninterrupted(n_tiles, [&](std::size_t i) noexcept {
            const std::size_t first = n * i / n_tiles;
            f(first, n * (i + 1) / n_tiles - first);
        });
    }

    // Into how many tiles it pays to cut a product of so many multiply-adds: a few for each thread, for threads are not
    // equally fast; with one thread as many as a request to stop needs.
    std::size_t tiles_worth(double work) noexcept {
        constexpr double longest = 1e9;  // 10 to 40 ms on one thread
        constexpr double tiles_of_a_thread = 4;
        const double for_stopping = work / longest;
        const double for_threads =
            threads() == 1 ? 1 : std::min(work / work_of_a_tile, tiles_of_a_thread * static_cast<double>(threads()));
        return static_cast<std::size_t>(std::max({1.0, for_stopping, for_threads}));
    }

  private:
    template <class T>
    struct ScratchPerThread {
        std::byte* first;
        std::size_t bytes;
        T* of(std::size_t seat) const noexcept { return reinterpret_cast<T*>(first + seat * bytes); }
    };

    template <class T>
    ScratchPerThread<T> take_scratch(std::size_t n_tiles, std::size_t size) {
        constexpr std::size_t unit = Buffer<std::byte>::alignment;
        const std::size_t bytes = (size * sizeof(T) + unit - 1) / unit * unit;
        const std::size_t expected = n_tiles == 1 ? bytes : bytes * static_cast<std::size_t>(threads());
        if (scratch_.size() < expected) scratch_ = Buffer<std::byte>(expected);
        return {scratch_.data(), bytes};
    }

    // Asked for once, so that every product of a call has the same number of seats.
    int threads() noexcept {
        if (threads_ == 0) threads_ = available_threads();
        return threads_;
    }

    static std::size_t tiles_worth(std::size_t n, double work) noexcept {
        return std::clamp<std::size_t>(static_cast<std::size_t>(work / work_of_a_thread), 1, n);
    }

    int threads_;
    Stop& stop_;
    Buffer<std::byte> scratch_;
};

}  // namespace rosenblatt
