// Dropout: which units of a layer stay in a step, drawn by counter (docs/arithmetic.md, section 5).
// Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 15, 2014; inverted, so that a network that is not
// being trained needs no factor.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/table.hpp"
#include "simd/pack.hpp"
#include "simd/unrolled.hpp"

namespace rosenblatt {
namespace {

constexpr std::size_t philox_blocks = 16;  // that are computed side by side
constexpr std::size_t words_at_once = 4 * philox_blocks;

// The words of blocks first ... first + 15 of a row, Philox4x32-10 as in base/rng.hpp with the blocks as lanes: word i of
// block k at words[i * 16 + k].
ROSENBLATT_INLINE void random_words(const DropoutStream& stream, std::uint32_t row, std::uint32_t first,
                                    std::uint32_t* words) noexcept {
    std::uint32_t c[4][philox_blocks];
    for (std::size_t k = 0; k < philox_blocks; ++k) {
        c[0][k] = first + static_cast<std::uint32_t>(k);
        c[1][k] = row;
        c[2][k] = stream.epoch;
        c[3][k] = stream.purpose;
    }
    std::uint32_t key[2] = {stream.key[0], stream.key[1]};
    for (int round = 0; round < 10; ++round) {
        for (std::size_t k = 0; k < philox_blocks; ++k) {
            const std::uint64_t left = std::uint64_t{0xD2511F53} * c[0][k];
            const std::uint64_t right = std::uint64_t{0xCD9E8D57} * c[2][k];
            c[0][k] = static_cast<std::uint32_t>(right >> 32) ^ c[1][k] ^ key[0];
            c[2][k] = static_cast<std::uint32_t>(left >> 32) ^ c[3][k] ^ key[1];
            c[1][k] = static_cast<std::uint32_t>(right);
            c[3][k] = static_cast<std::uint32_t>(left);
        }
        key[0] += 0x9E3779B9;
        key[1] += 0xBB67AE85;
    }
    for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t k = 0; k < philox_blocks; ++k) words[i * philox_blocks + k] = c[i][k];
}

// mask[r][j] = 1 / (1 - p) where unit j of the row stays, 0 where it is dropped; rows count from stream.first_row.
template <class T>
void dropout_mask(const DropoutStream& stream, T scale, Matrix<T> mask) noexcept {
    std::uint32_t words[words_at_once];
    for (std::size_t r = 0; r < mask.rows; ++r) {
        const auto row = static_cast<std::uint32_t>(stream.first_row + r);
        for (std::size_t j = 0; j < mask.cols; j += words_at_once) {
            random_words(stream, row, static_cast<std::uint32_t>(j / 4), words);
            const std::size_t n = mask.cols - j < words_at_once ? mask.cols - j : words_at_once;
            T* const to = mask.row(r) + j;
            for (std::size_t k = 0; k < n; ++k) to[k] = words[k] >= stream.dropped_below ? scale : T{0};
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
