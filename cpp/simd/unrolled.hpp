// Unrolled: a loop whose index is a constant in every round. An array of registers stays in registers only if each of
// its indices is a constant before the compiler decides where the array lives; unrolling by pragma comes too late for
// it.
#pragma once

#include <cstddef>

#include "base/views.hpp"

// For a lambda that is the body of such a loop.
#define ROSENBLATT_BODY __attribute__((always_inline))

namespace rosenblatt {
namespace {

template <std::size_t i>
struct Index {
    ROSENBLATT_INLINE constexpr operator std::size_t() const noexcept { return i; }
};

// f(0), f(1), ... f(n - 1), each with an Index.
template <std::size_t n, std::size_t i = 0, class F>
ROSENBLATT_INLINE void unrolled(F f) noexcept {
    if constexpr (i < n) {
        f(Index<i>{});
        unrolled<n, i + 1>(f);
    }
}

}  // namespace
}  // namespace rosenblatt
