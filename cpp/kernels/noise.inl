// Noise: normal numbers added to the inputs of a step, drawn by counter (docs/arithmetic.md, section 5). Source: G. E.
// P. Box, M. E. Muller, Ann. Math. Statist. 29, 1958; as a regulariser C. M. Bishop, Neural Computation 7, 1995.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/random_words.inl"
#include "kernels/table.hpp"
#include "simd/math.hpp"
#include "simd/pack.hpp"

namespace rosenblatt {
namespace {

// x[k] = radius * cos(angle), y[k] = radius * sin(angle): 16 pairs of standard normal numbers, from the words radii[k]
// and angles[k]. Of a word the upper 24 bits count, which both types hold exactly.
template <class T>
ROSENBLATT_INLINE void normal_pairs(const std::uint32_t* radii, const std::uint32_t* angles, T* x, T* y) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    static_assert(philox_blocks % width == 0);
    T u[philox_blocks];
    T v[philox_blocks];
    for (std::size_t k = 0; k < philox_blocks; ++k) {
        u[k] = static_cast<T>(static_cast<std::int32_t>((radii[k] >> 8) + 1)) * T{0x1p-24};  // in (0, 1]
        v[k] = static_cast<T>(static_cast<std::int32_t>(angles[k] >> 8)) * T{0x1p-24};       // in [0, 1)
    }
    for (std::size_t k = 0; k < philox_blocks; k += width) {
        const Pack<T> radius = sqrt(broadcast(T{-2}) * log(load(u + k)));
        const Pack<T> angle = load(v + k) * broadcast(static_cast<T>(6.283185307179586));
        store(x + k, radius * cos(angle));
        store(y + k, radius * sin(angle));
    }
}

// noisy[r][k] = x_rk + deviation * g_rk with a standard normal g_rk; rows count from stream.first_row. X and noisy
// (rows, n_features), noisy is written.
template <class T>
void add_noise(const RowStream& stream, T deviation, Scattered<const T> X, Matrix<T> noisy) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    const Pack<T> scale = broadcast(deviation);
    std::uint32_t words[words_at_once];
    T normal[words_at_once];
    for (std::size_t r = 0; r < X.rows; ++r) {
        const auto row = static_cast<std::uint32_t>(stream.first_row + r);
        for (std::size_t j = 0; j < X.cols; j += words_at_once) {
            random_words(stream, row, static_cast<std::uint32_t>(j / 4), words);
            for (std::size_t i = 0; i < words_at_once; i += 2 * philox_blocks)
                normal_pairs(words + i, words + i + philox_blocks, normal + i, normal + i + philox_blocks);
            const std::size_t n = X.cols - j < words_at_once ? X.cols - j : words_at_once;
            const T* const x = X.row[r] + X.first + j;
            T* const to = noisy.row(r) + j;
            std::size_t k = 0;
            for (; k + width <= n; k += width) store(to + k, fma(scale, load(normal + k), load(x + k)));
            if (k < n) store(to + k, fma(scale, load(normal + k), load(x + k, n - k)), n - k);
        }
    }
}

}  // namespace
}  // namespace rosenblatt
