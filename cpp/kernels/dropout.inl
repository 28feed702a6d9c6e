// Dropout: which units of a layer stay in a step, drawn by counter (docs/arithmetic.md, section 5). Source: Srivastava,
// Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 15, 2014; inverted, so that a network that is not being trained
// needs no factor.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/random_words.inl"
#include "kernels/table.hpp"
#include "simd/pack.hpp"

namespace rosenblatt {
namespace {

// mask[r][j] = scale where unit j of row r stays, 0 where it is dropped, and dropped = A * mask; rows count from
// stream.first_row.
template <class T>
void drop(const RowStream& stream, Scattered<const T> A, const Drop<T>& rule) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    static_assert(words_at_once % width == 0);
    const Pack<T> scale = broadcast(rule.scale);
    const std::uint32_t least = rule.dropped_below;
    std::uint32_t words[words_at_once];
    for (std::size_t r = 0; r < A.rows; ++r) {
        const auto row = static_cast<std::uint32_t>(stream.first_row + r);
        for (std::size_t j = 0; j < A.cols; j += words_at_once) {
            random_words(stream, row, static_cast<std::uint32_t>(j / 4), words);
            const std::size_t n = A.cols - j < words_at_once ? A.cols - j : words_at_once;
            const T* const from = A.row[r] + A.first + j;
            T* const mask = rule.mask.row(r) + j;
            T* const dropped = rule.dropped.row(r) + j;
            const auto factor = [&](std::size_t k) ROSENBLATT_BODY {
                return select<T>(at_least<T>(least, words + k), scale, zero<T>());
            };
            std::size_t k = 0;
            for (; k + width <= n; k += width) {
                store(mask + k, factor(k));
                store(dropped + k, load(from + k) * factor(k));
            }
            if (k == n) continue;
            store(mask + k, factor(k), n - k);
            store(dropped + k, load(from + k, n - k) * factor(k), n - k);
        }
    }
}

// C = A * B, number by number; C may be either.
template <class T>
void multiply_numbers(Matrix<const T> A, Matrix<const T> B, Matrix<T> C) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    for (std::size_t i = 0; i < A.rows; ++i) {
        std::size_t j = 0;
        for (; j + width <= A.cols; j += width) store(C.row(i) + j, load(A.row(i) + j) * load(B.row(i) + j));
        if (j == A.cols) continue;
        const std::size_t rest = A.cols - j;
        store(C.row(i) + j, load(A.row(i) + j, rest) * load(B.row(i) + j, rest), rest);
    }
}

}  // namespace
}  // namespace rosenblatt
