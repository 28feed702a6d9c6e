// Crew: hired for one call and gone when it returns, so a fork finds none of its threads.
#include "base/crew.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/float_mode.hpp"

namespace rosenblatt {

void Crew::run(std::size_t count, int threads, Job job, Watch watch, void* context) {
    constexpr auto between_looks = std::chrono::milliseconds(20);  // nobody notices
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
    std::vector<std::thread> crew;
    const std::size_t wanted = std::min(count, static_cast<std::size_t>(std::max(threads, 1)));
    crew.reserve(wanted);
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the threads of the program
    while (crew.size() < wanted) {
        {
            const std::lock_guard lock(mutex);
            ++at_work;
        }
        try {
            crew.emplace_back(work);
        } catch (const std::system_error&) {  // the machine grants no more
            const std::lock_guard lock(mutex);
            --at_work;
            break;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (crew.empty()) {
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
    for (std::thread& thread : crew) thread.join();
}

}  // namespace rosenblatt
