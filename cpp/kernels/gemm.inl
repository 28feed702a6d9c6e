// Products of matrices: forward, input gradient and weight gradient are one kernel over differently strided views.
// A tile of C stays in registers while the sum runs; each element has one accumulator, so the order of its sum is the
// index order whatever the tile.
#pragma once

#include "kernels/table.hpp"
#include "simd/pack.hpp"

namespace rosenblatt {
namespace {

// Accumulators per tile: max_rows * max_packs, with max_packs registers for R beside them. AVX-512 has 32 registers, AVX2 and the
// baseline 16.
#if ROSENBLATT_PACK_BYTES == 64
constexpr std::size_t max_rows = 14;
#else
constexpr std::size_t max_rows = 6;
#endif
constexpr std::size_t max_packs = 2;

// One pack of columns, whole or the last few of a row.
template <class T, bool whole>
ROSENBLATT_INLINE Pack<T> load_columns(const T* from, std::size_t count) noexcept {
    if constexpr (whole) return load(from);
    else return load(from, count);
}

// C = start + L R for a tile of n_rows x n_packs registers; the last pack has `last` columns.
template <class T, std::size_t n_rows, std::size_t n_packs, bool whole>
void multiply_tile(const T* L, std::size_t row_step, std::size_t term_step, Matrix<const T> R, std::size_t last,
                   const T* start, Matrix<T> C) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    Pack<T> sum[n_rows][n_packs];
    for (std::size_t p = 0; p < n_packs; ++p) {
        Pack<T> first = zero<T>();
        if (start != nullptr)
            first = p + 1 < n_packs ? load(start + p * width) : load_columns<T, whole>(start + p * width, last);
        for (std::size_t r = 0; r < n_rows; ++r) sum[r][p] = first;
    }
    for (std::size_t t = 0; t < R.rows; ++t) {
        Pack<T> right[n_packs];
        for (std::size_t p = 0; p + 1 < n_packs; ++p) right[p] = load(R.row(t) + p * width);
        right[n_packs - 1] = load_columns<T, whole>(R.row(t) + (n_packs - 1) * width, last);
#pragma GCC unroll 14
        for (std::size_t r = 0; r < n_rows; ++r) {
            const Pack<T> left = broadcast(L[r * row_step + t * term_step]);
#pragma GCC unroll 2
            for (std::size_t p = 0; p < n_packs; ++p) sum[r][p] = fma(left, right[p], sum[r][p]);
        }
    }
    for (std::size_t r = 0; r < n_rows; ++r) {
        for (std::size_t p = 0; p + 1 < n_packs; ++p) store(C.row(r) + p * width, sum[r][p]);
        T* const end = C.row(r) + (n_packs - 1) * width;
        if constexpr (whole) store(end, sum[r][n_packs - 1]);
        else store(end, sum[r][n_packs - 1], last);
    }
}

template <class T>
using MultiplyTile = void (*)(const T*, std::size_t, std::size_t, Matrix<const T>, std::size_t, const T*,
                              Matrix<T>) noexcept;

// Every tile shape, by rows - 1, packs - 1 and whether the last pack is whole.
template <class T>
struct MultiplyTiles {
    MultiplyTile<T> of[max_rows][max_packs][2];

    constexpr MultiplyTiles() noexcept { fill<1>(); }

    template <std::size_t rows>
    constexpr void fill() noexcept {
        of[rows - 1][0][0] = multiply_tile<T, rows, 1, false>;
        of[rows - 1][0][1] = multiply_tile<T, rows, 1, true>;
        of[rows - 1][1][0] = multiply_tile<T, rows, 2, false>;
        of[rows - 1][1][1] = multiply_tile<T, rows, 2, true>;
        if constexpr (rows < max_rows) fill<rows + 1>();
    }
};

template <class T>
constexpr MultiplyTiles<T> multiply_tiles{};

// L (rows, terms), R (terms, cols), start (cols,) or null, C (rows, cols).
template <class T>
void multiply(StridedMatrix<const T> L, Matrix<const T> R, const T* start, Matrix<T> C) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    const std::size_t row_tiles = (C.rows + max_rows - 1) / max_rows;
    for (std::size_t j = 0; j < C.cols; j += max_packs * width) {
        const std::size_t cols = C.cols - j < max_packs * width ? C.cols - j : max_packs * width;
        const std::size_t packs = (cols + width - 1) / width;
        const std::size_t last = cols - (packs - 1) * width;
        const Matrix<const T> right{R.data + j, L.cols, cols, R.stride};
        const T* const first = start == nullptr ? nullptr : start + j;
        std::size_t r = 0;
        for (std::size_t i = 0; i < row_tiles; ++i) {  // tiles as equal as they come, not whole ones and a rest
            const std::size_t rows = (C.rows - r + row_tiles - i - 1) / (row_tiles - i);
            multiply_tiles<T>.of[rows - 1][packs - 1][last == width](L.data + r * L.row_step, L.row_step, L.col_step,
                                                                     right, last, first,
                                                                     {C.row(r) + j, rows, cols, C.stride});
            r += rows;
        }
    }
}

constexpr std::size_t n_chains = 16;

// s[0] + ... + s[15] by halves: 16 chains, 8, 4, 2, 1.
template <class T>
ROSENBLATT_INLINE Pack<T> fold(Pack<T> (&s)[n_chains]) noexcept {
    for (std::size_t half = n_chains / 2; half > 0; half /= 2)
        for (std::size_t i = 0; i < half; ++i) s[i] = s[i] + s[i + half];
    return s[0];
}

// As multiply; chain i of an element takes the terms t with t mod 16 = i, the first begins at `start`.
template <class T>
void multiply_interleaved(StridedMatrix<const T> L, Matrix<const T> R, const T* start, Matrix<T> C) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    for (std::size_t j = 0; j < C.cols; j += width) {
        const std::size_t cols = C.cols - j < width ? C.cols - j : width;
        for (std::size_t r = 0; r < C.rows; ++r) {
            Pack<T> chain[n_chains] = {};
            if (start != nullptr) chain[0] = load(start + j, cols);
            for (std::size_t t = 0; t < L.cols; t += n_chains) {
                const std::size_t chains = L.cols - t < n_chains ? L.cols - t : n_chains;
                for (std::size_t i = 0; i < chains; ++i)
                    chain[i] = fma(broadcast(L.data[r * L.row_step + (t + i) * L.col_step]),
                                   load(R.row(t + i) + j, cols), chain[i]);
            }
            store(C.row(r) + j, fold(chain), cols);
        }
    }
}

// B = A^T in blocks of 16 x 16: a block of either matrix is a few cache lines.
template <class T>
void transpose(Matrix<const T> A, Matrix<T> B) noexcept {
    constexpr std::size_t block = 16;
    for (std::size_t i = 0; i < A.rows; i += block) {
        const std::size_t i_end = A.rows - i < block ? A.rows : i + block;
        for (std::size_t j = 0; j < A.cols; j += block) {
            const std::size_t j_end = A.cols - j < block ? A.cols : j + block;
            for (std::size_t p = i; p < i_end; ++p)
                for (std::size_t q = j; q < j_end; ++q) B.row(q)[p] = A.row(p)[q];
        }
    }
}

// s[j] = 0 + A[0][j] + A[1][j] + ...
template <class T>
void sum_rows(Matrix<const T> A, T* s) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    for (std::size_t j = 0; j < A.cols; j += width) {
        const std::size_t cols = A.cols - j < width ? A.cols - j : width;
        Pack<T> sum = zero<T>();
        for (std::size_t i = 0; i < A.rows; ++i) sum = sum + load(A.row(i) + j, cols);
        store(s + j, sum, cols);
    }
}

}  // namespace
}  // namespace rosenblatt
