// Jobs: threads started for one call and joined before it returns, so that a fork finds none of them.
#include "base/jobs.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/blocked_signals.hpp"
#include "base/float_mode.hpp"

namespace rosenblatt {

void run_jobs(std::size_t count, int threads, Job job, Watch watch, void* context) {
    constexpr auto between_looks = std::chrono::milliseconds(20);  // too short to notice
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::condition_variable one_left;
    std::size_t at_work = 0;
    const auto work = [&]() noexcept {
        const FloatMode mode;
        for (std::size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) job(context, i);
        const std::lock_guard lock(mutex);
        --at_work;
        one_left.notify_one();
    };
    std::vector<std::thread> workers;
    const std::size_t wanted = std::min(count, static_cast<std::size_t>(std::max(threads, 0)));
    workers.reserve(wanted);
    while (workers.size() < wanted) {
        const BlockedSignals blocked;
        {
            const std::lock_guard lock(mutex);
            ++at_work;
        }
        try {
            workers.emplace_back(work);
        } catch (const std::exception&) {  // no more threads, or no memory for one
            const std::lock_guard lock(mutex);
            --at_work;
            break;
        }
    }
    if (workers.empty()) {
        for (std::size_t i = 0; i < count; ++i, watch(context)) job(context, i);
        return;
    }
    {
        std::unique_lock lock(mutex);
        while (at_work > 0) {
            if (one_left.wait_for(lock, between_looks) == std::cv_status::no_timeout) continue;
            lock.unlock();
            watch(context);
            lock.lock();
        }
    }
    for (std::thread& thread : workers) thread.join();
}

}  // namespace rosenblatt
