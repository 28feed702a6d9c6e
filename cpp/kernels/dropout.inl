// Dropout: which units of a layer stay in a step, drawn by counter (docs/arithmetic.md, section 5).
// Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 15, 2014; inverted, so that a network that is not
// being trained needs no factor.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/random_words.inl"
#include "kernels/table.hpp"
#include "simd/pack.hpp"

namespace rosenblatt {
namespace {

// mask[r][j] = 1 / (1 - p) where unit j of the row stays, 0 where it is dropped; rows count from stream.first_row.
template <class T>
void dropout_mask(const RowStream& stream, std::uint32_t dropped_below, T scale, Matrix<T> mask) noexcept {
    std::uint32_t words[words_at_once];
    for (std::size_t r = 0; r < mask.rows; ++r) {
        const auto row = static_cast<std::uint32_t>(stream.first_row + r);
        for (std::size_t j = 0; j < mask.cols; j += words_at_once) {
            random_words(stream, row, static_cast<std::uint32_t>(j / 4), words);
            const std::size_t n = mask.cols - j < words_at_once ? mask.cols - j : words_at_once;
            T* const to = mask.row(r) + j;
            for (std::size_t k = 0; k < n; ++k) to[k] = words[k] >= dropped_below ? scale : T{0};
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
