// Products of matrices: forward, input gradient and weight gradient are one kernel over differently strided views.
// A tile of C stays in registers while the sum runs; each element has one accumulator, so the order of its sum is the
// index order whatever the tile.
#pragma once

#include "kernels/activation.inl"
#include "kernels/table.hpp"
#include "kernels/update.inl"
#include "simd/pack.hpp"

namespace rosenblatt {
namespace {

// Accumulators per tile: as many as the registers hold beside one row of R (AVX-512 and NEON have 32 registers, AVX2 and
// the baseline 16), and enough of them, rows * packs >= 8, that the processor never waits for one: a fused multiply-add
// takes 4 cycles and two may start in each. Few rows therefore make wide tiles.
#if ROSENBLATT_PACK_BYTES == 64 || defined(__aarch64__)
constexpr std::size_t max_rows = 14;
constexpr std::size_t packs_beside(std::size_t rows) noexcept { return rows <= 2 ? 8 : rows <= 6 ? 4 : 2; }
#else
constexpr std::size_t max_rows = 6;
constexpr std::size_t packs_beside(std::size_t rows) noexcept { return rows == 1 ? 8 : rows == 2 ? 4 : 2; }
#endif
constexpr std::size_t max_packs = 8;

// One pack of columns, whole or the last few of a row.
template <class T, bool whole>
ROSENBLATT_INLINE Pack<T> load_columns(const T* from, std::size_t count) noexcept {
    if constexpr (whole) return load(from);
    else return load(from, count);
}

// Where the sums of a tile begin: at `start` for every row (cols,), at 0 where it is null, or at what stands in C.
template <class T>
struct Begin {
    const T* start;
    bool at_C;
};

// C = begin + L R for a tile of n_rows x n_packs registers; the last pack has `last` columns.
template <class T, std::size_t n_rows, std::size_t n_packs, bool whole>
void multiply_tile(const T* L, std::size_t row_step, std::size_t term_step, Matrix<const T> R, std::size_t last,
                   Begin<T> begin, Matrix<T> C) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    // Every loop over sum is unrolled: with one index that is not a constant GCC keeps the array in memory as well, and for
    // NEON stored all of it at every term.
    Pack<T> sum[n_rows][n_packs];
    const auto columns_of = [last](const T* row, std::size_t p) noexcept {
        return p + 1 < n_packs ? load(row + p * width) : load_columns<T, whole>(row + p * width, last);
    };
    if (begin.at_C) {
#pragma GCC unroll 14
        for (std::size_t r = 0; r < n_rows; ++r)
#pragma GCC unroll 8
            for (std::size_t p = 0; p < n_packs; ++p) sum[r][p] = columns_of(C.row(r), p);
    } else {
#pragma GCC unroll 8
        for (std::size_t p = 0; p < n_packs; ++p) {
            const Pack<T> first = begin.start == nullptr ? zero<T>() : columns_of(begin.start, p);
#pragma GCC unroll 14
            for (std::size_t r = 0; r < n_rows; ++r) sum[r][p] = first;
        }
    }
    for (std::size_t t = 0; t < R.rows; ++t) {
        Pack<T> right[n_packs];
#pragma GCC unroll 8
        for (std::size_t p = 0; p + 1 < n_packs; ++p) right[p] = load(R.row(t) + p * width);
        right[n_packs - 1] = load_columns<T, whole>(R.row(t) + (n_packs - 1) * width, last);
#pragma GCC unroll 14
        for (std::size_t r = 0; r < n_rows; ++r) {
            const Pack<T> left = broadcast(L[r * row_step + t * term_step]);
#pragma GCC unroll 8
            for (std::size_t p = 0; p < n_packs; ++p) sum[r][p] = fma(left, right[p], sum[r][p]);
        }
    }
#pragma GCC unroll 14
    for (std::size_t r = 0; r < n_rows; ++r) {
#pragma GCC unroll 8
        for (std::size_t p = 0; p + 1 < n_packs; ++p) store(C.row(r) + p * width, sum[r][p]);
        T* const end = C.row(r) + (n_packs - 1) * width;
        if constexpr (whole) store(end, sum[r][n_packs - 1]);
        else store(end, sum[r][n_packs - 1], last);
    }
}

template <class T>
using MultiplyTile = void (*)(const T*, std::size_t, std::size_t, Matrix<const T>, std::size_t, Begin<T>,
                              Matrix<T>) noexcept;

// Every tile shape, by rows - 1, packs - 1 and whether the last pack is whole.
template <class T>
struct MultiplyTiles {
    MultiplyTile<T> of[max_rows][max_packs][2] = {};

    constexpr MultiplyTiles() noexcept { fill<1, 1>(); }

    template <std::size_t rows, std::size_t packs>
    constexpr void fill() noexcept {
        of[rows - 1][packs - 1][0] = multiply_tile<T, rows, packs, false>;
        of[rows - 1][packs - 1][1] = multiply_tile<T, rows, packs, true>;
        if constexpr (packs < packs_beside(rows)) fill<rows, packs + 1>();
        else if constexpr (rows < max_rows) fill<rows + 1, 1>();
    }
};

template <class T>
constexpr MultiplyTiles<T> multiply_tiles{};

// Every tile of start + L R, computed into result.tile(r, j, rows, cols), a Matrix<T>, and handed on by
// result.finish(r, j, tile) while it is in the nearest cache. L (rows, terms), R (terms, cols), start (cols,) or null.
// What the inner loop comes back to stays in the nearest cache: all of R where it is small, else a panel of it.
template <class T, class Result>
ROSENBLATT_INLINE void multiply_into(StridedMatrix<const T> L, Matrix<const T> R, const T* start,
                                     Result result) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    // Tiles as tall as each other, not tall ones and a rest; then as wide as the registers allow.
    const std::size_t row_tiles = (L.rows + max_rows - 1) / max_rows;
    const std::size_t tallest = row_tiles == 1 ? L.rows : (L.rows + row_tiles - 1) / row_tiles;
    const std::size_t widest = packs_beside(tallest) * width;
    const auto compute = [&](std::size_t r, std::size_t j) noexcept {
        const std::size_t rows = L.rows - r < tallest ? L.rows - r : tallest;
        const std::size_t cols = R.cols - j < widest ? R.cols - j : widest;
        const std::size_t packs = (cols + width - 1) / width;
        const std::size_t last = cols - (packs - 1) * width;
        const Matrix<T> tile = result.tile(r, j, rows, cols);
        multiply_tiles<T>.of[rows - 1][packs - 1][last == width](L.data + r * L.row_step, L.row_step, L.col_step,
                                                                 {R.data + j, R.rows, cols, R.stride}, last,
                                                                 {start == nullptr ? nullptr : start + j, false}, tile);
        result.finish(r, j, tile);
    };
    constexpr std::size_t nearest_cache = 20 * 1024;  // of 32 KB or 48 KB; the tile and L want their part
    if (R.rows * R.cols * sizeof(T) <= nearest_cache) {
        for (std::size_t r = 0; r < L.rows; r += tallest)
            for (std::size_t j = 0; j < R.cols; j += widest) compute(r, j);
    } else {
        for (std::size_t j = 0; j < R.cols; j += widest)
            for (std::size_t r = 0; r < L.rows; r += tallest) compute(r, j);
    }
}

// A few elements of a single column: a register would hold one number, so `n` rows run side by side instead.
template <class T, std::size_t n>
ROSENBLATT_INLINE void multiply_rows_by_column(StridedMatrix<const T> L, std::size_t r, Matrix<const T> R,
                                               const T* start, Matrix<T> C) noexcept {
    const T* const left = L.data + r * L.row_step;
    T sum[n];
    for (std::size_t i = 0; i < n; ++i) sum[i] = start == nullptr ? T{0} : start[0];
    for (std::size_t t = 0; t < L.cols; ++t)
        for (std::size_t i = 0; i < n; ++i) sum[i] = fma(left[i * L.row_step + t * L.col_step], R.row(t)[0], sum[i]);
    for (std::size_t i = 0; i < n; ++i) C.row(r + i)[0] = sum[i];
}

// C = start + L R for a single column.
template <class T>
void multiply_column(StridedMatrix<const T> L, Matrix<const T> R, const T* start, Matrix<T> C) noexcept {
    std::size_t r = 0;
    for (; r + 8 <= L.rows; r += 8) multiply_rows_by_column<T, 8>(L, r, R, start, C);
    if (r + 4 <= L.rows) {
        multiply_rows_by_column<T, 4>(L, r, R, start, C);
        r += 4;
    }
    for (; r < L.rows; ++r) multiply_rows_by_column<T, 1>(L, r, R, start, C);
}

// C = start + L R.
template <class T>
void multiply(StridedMatrix<const T> L, Matrix<const T> R, const T* start, Matrix<T> C) noexcept {
    struct Stored {
        Matrix<T> C;
        ROSENBLATT_INLINE Matrix<T> tile(std::size_t r, std::size_t j, std::size_t rows, std::size_t cols) noexcept {
            return {C.row(r) + j, rows, cols, C.stride};
        }
        ROSENBLATT_INLINE void finish(std::size_t, std::size_t, Matrix<T>) noexcept {}
    };
    if (R.cols == 1) multiply_column(L, R, start, C);
    else multiply_into(L, R, start, Stored{C});
}

// B = A^T, filled up with 0, by squares of registers. The rest of a row or column goes the same way, with lanes of 0.
template <class T>
void transpose(Matrix<const T> A, Matrix<T> B) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    for (std::size_t i = 0; i < B.cols; i += width) {
        const std::size_t to = B.cols - i < width ? B.cols - i : width;
        for (std::size_t j = 0; j < A.cols; j += width) {
            const std::size_t from = A.cols - j < width ? A.cols - j : width;
            Pack<T> square[width];
            for (std::size_t p = 0; p < width; ++p) {
                if (i + p >= A.rows) square[p] = zero<T>();
                else square[p] = from == width ? load(A.row(i + p) + j) : load(A.row(i + p) + j, from);
            }
            transpose_square<T>(square);
            for (std::size_t q = 0; q < from; ++q) {
                if (to == width) store(B.row(j + q) + i, square[q]);
                else store(B.row(j + q) + i, square[q], to);
            }
        }
    }
}

// Large products. L and R are copied, a block at a time, to where they are read from one end to the other: a step from row
// to row of a wide matrix is a page or a multiple of the cache's size, and what was read a moment ago would be gone. 512
// terms make a panel of R, two registers wide (64 KB), that stays in the second cache while 224 rows of L pass by, which
// stay there too (458 KB of float32). The chain goes on from block to block: the sums begin where C stands. Of 256 and 512
// terms, 112 to 448 rows, these were the fastest at 1024 x 2048 x 2048 and 448 x 1024 x 1024.
constexpr std::size_t packed_terms = 512;
constexpr std::size_t packed_rows = 224 / max_rows * max_rows;
template <class T>
constexpr std::size_t panel_cols = packs_beside(max_rows) * Pack<T>::width;
template <class T>
constexpr std::size_t packing_space = packed_terms * (packed_rows + panel_cols<T>);

// Rows of L, (rows, terms), term by term: to[t * rows + r].
template <class T>
ROSENBLATT_INLINE void pack_rows(StridedMatrix<const T> L, T* to) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    if (L.col_step == 1) {
        transpose<T>({L.data, L.rows, L.cols, L.row_step}, {to, L.cols, L.rows, L.rows});
        return;
    }
    for (std::size_t t = 0; t < L.cols; ++t)
        for (std::size_t r = 0; r < L.rows; r += width) {
            const std::size_t rows = L.rows - r < width ? L.rows - r : width;
            store(to + t * L.rows + r, load(L.data + r * L.row_step + t * L.col_step, rows), rows);
        }
}

// Columns of R, (terms, cols), in rows of panel_cols.
template <class T>
ROSENBLATT_INLINE void pack_panel(Matrix<const T> R, T* to) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    for (std::size_t t = 0; t < R.rows; ++t)
        for (std::size_t j = 0; j < R.cols; j += width) {
            const std::size_t cols = R.cols - j < width ? R.cols - j : width;
            store(to + t * panel_cols<T> + j, cols == width ? load(R.row(t) + j) : load(R.row(t) + j, cols));
        }
}

// The cache lines of a row of a panel. Fetching beyond the end of an array is harmless.
template <class T>
ROSENBLATT_INLINE void prefetch_columns(const T* row) noexcept {
    constexpr std::size_t cache_line = 64 / sizeof(T);
    for (std::size_t j = 0; j < panel_cols<T>; j += cache_line) __builtin_prefetch(row + j);
}

// C = start + L R with L row- or column-contiguous; `space` (packing_space,).
template <class T>
void multiply_packed(StridedMatrix<const T> L, Matrix<const T> R, const T* start, Matrix<T> C, T* space) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    T* const panel = space;
    T* const left = space + packed_terms * panel_cols<T>;
    for (std::size_t t = 0; t < L.cols; t += packed_terms) {
        const std::size_t terms = L.cols - t < packed_terms ? L.cols - t : packed_terms;
        for (std::size_t r = 0; r < L.rows; r += packed_rows) {
            const std::size_t rows = L.rows - r < packed_rows ? L.rows - r : packed_rows;
            const std::size_t row_tiles = (rows + max_rows - 1) / max_rows;
            const std::size_t tallest = (rows + row_tiles - 1) / row_tiles;
            for (std::size_t i = 0; i < rows; i += tallest)
                pack_rows<T>({L.data + (r + i) * L.row_step + t * L.col_step, rows - i < tallest ? rows - i : tallest,
                              terms, L.row_step, L.col_step},
                             left + i * terms);
            for (std::size_t j = 0; j < R.cols; j += panel_cols<T>) {
                const std::size_t cols = R.cols - j < panel_cols<T> ? R.cols - j : panel_cols<T>;
                const std::size_t packs = (cols + width - 1) / width;
                const std::size_t last = cols - (packs - 1) * width;
                pack_panel<T>({R.row(t) + j, terms, cols, R.stride}, panel);
                std::size_t fetched = 0;
                for (std::size_t i = 0; i < rows; i += tallest) {
                    const std::size_t height = rows - i < tallest ? rows - i : tallest;
                    // While a tile is computed, what comes next is on its way: the next tile of C, and a share of the
                    // next panel of R.
                    for (std::size_t next = i + height; next < rows && next < i + height + tallest; ++next)
                        prefetch_columns(C.row(r + next) + j);
                    const std::size_t share = fetched + (terms + row_tiles - 1) / row_tiles;
                    for (; fetched < share && fetched < terms; ++fetched)
                        prefetch_columns(R.row(t + fetched) + j + panel_cols<T>);
                    multiply_tiles<T>.of[height - 1][packs - 1][last == width](
                        left + i * terms, 1, height, {panel, terms, cols, panel_cols<T>}, last,
                        {start == nullptr ? nullptr : start + j, t > 0}, {C.row(r + i) + j, height, cols, C.stride});
                }
            }
        }
    }
}

// A = f(start + L R) for an f of one number: the tile is still in the nearest cache when f goes over it.
template <class T>
void multiply_activate(StridedMatrix<const T> L, Matrix<const T> R, const T* start, Activation f,
                       Matrix<T> A) noexcept {
    struct Activated {
        Matrix<T> A;
        Activation f;
        ROSENBLATT_INLINE Matrix<T> tile(std::size_t r, std::size_t j, std::size_t rows, std::size_t cols) noexcept {
            return {A.row(r) + j, rows, cols, A.stride};
        }
        ROSENBLATT_INLINE void finish(std::size_t, std::size_t, Matrix<T> tile) noexcept { activate<T>(f, tile, tile); }
    };
    multiply_into(L, R, start, Activated{A, f});
}

// The same step for so few terms that a tile would not pay: a column of registers of W at a time, with R in registers. The
// rule is called as finish(gradient, row, column, columns).
template <class T, std::size_t terms, class Finish>
ROSENBLATT_INLINE void multiply_few_terms(StridedMatrix<const T> L, Matrix<const T> R, Finish finish) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    for (std::size_t j = 0; j < R.cols; j += width) {
        const std::size_t cols = R.cols - j < width ? R.cols - j : width;
        Pack<T> right[terms];
        for (std::size_t t = 0; t < terms; ++t)
            right[t] = cols == width ? load(R.row(t) + j) : load(R.row(t) + j, cols);
        for (std::size_t r = 0; r < L.rows; ++r) {
            Pack<T> sum = zero<T>();
            for (std::size_t t = 0; t < terms; ++t)
                sum = fma(broadcast(L.data[r * L.row_step + t * L.col_step]), right[t], sum);
            finish(sum, r, j, cols);
        }
    }
}

template <class T, class Finish>
ROSENBLATT_INLINE bool multiply_few_terms(StridedMatrix<const T> L, Matrix<const T> R, Finish finish) noexcept {
    switch (R.rows) {
        case 1:
            multiply_few_terms<T, 1>(L, R, finish);
            return true;
        case 2:
            multiply_few_terms<T, 2>(L, R, finish);
            return true;
        case 3:
            multiply_few_terms<T, 3>(L, R, finish);
            return true;
        case 4:
            multiply_few_terms<T, 4>(L, R, finish);
            return true;
        default:
            return false;
    }
}

// W := W - epsilon L R, a step of gradient descent whose gradient is never stored. v as W, or v.data null.
template <class T>
void multiply_descend(StridedMatrix<const T> L, Matrix<const T> R, SgdStep<T> step, Matrix<T> v, Matrix<T> W) noexcept {
    struct Descended {
        T* gradient;  // of a tile
        PlainDescent<T> plain;
        MomentumDescent<T> momentum;
        Matrix<T> v;
        Matrix<T> W;
        ROSENBLATT_INLINE Matrix<T> tile(std::size_t r, std::size_t j, std::size_t rows, std::size_t cols) noexcept {
            for (std::size_t i = 0; i < rows; ++i) __builtin_prefetch(W.row(r + i) + j, 1);
            return {gradient, rows, cols, packs_beside(rows) * Pack<T>::width};
        }
        ROSENBLATT_INLINE void finish(std::size_t r, std::size_t j, Matrix<T> tile) noexcept {
            if (v.data == nullptr) {
                for (std::size_t i = 0; i < tile.rows; ++i) descend(plain, tile.row(i), tile.cols, W.row(r + i) + j);
            } else {
                for (std::size_t i = 0; i < tile.rows; ++i)
                    descend(momentum, tile.row(i), tile.cols, v.row(r + i) + j, W.row(r + i) + j);
            }
        }
    };
    const Pack<T> descent = broadcast(-step.learning_rate);
    if (v.data == nullptr) {
        const PlainDescent<T> rule{descent};
        const auto finish = [&](Pack<T> dw, std::size_t r, std::size_t j, std::size_t cols) noexcept {
            T* const w = W.row(r) + j;
            if (cols == Pack<T>::width) store(w, rule(dw, load(w)));
            else store(w, rule(dw, load(w, cols)), cols);
        };
        if (multiply_few_terms(L, R, finish)) return;
    }
    alignas(64) T gradient[max_rows * max_packs * Pack<T>::width];
    multiply_into(L, R, static_cast<const T*>(nullptr),
                  Descended{gradient, {descent}, {descent, broadcast(step.momentum), step.nesterov}, v, W});
}

constexpr std::size_t n_chains = 16;

// s[0] + ... + s[15] by halves: 16 chains, 8, 4, 2, 1.
template <class T>
ROSENBLATT_INLINE Pack<T> fold(Pack<T> (&s)[n_chains]) noexcept {
    for (std::size_t half = n_chains / 2; half > 0; half /= 2)
        for (std::size_t i = 0; i < half; ++i) s[i] = s[i] + s[i + half];
    return s[0];
}

// A single column that lies contiguous: the 16 chains of an element are the lanes of registers.
template <class T>
void multiply_column_interleaved(StridedMatrix<const T> L, const T* R, const T* start, Matrix<T> C) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    constexpr std::size_t packs = n_chains / width;
    for (std::size_t r = 0; r < L.rows; ++r) {
        const T* const left = L.data + r * L.row_step;
        T chain[n_chains] = {};
        if (start != nullptr) chain[0] = start[0];
        Pack<T> sum[packs];
        for (std::size_t p = 0; p < packs; ++p) sum[p] = load(chain + p * width);
        std::size_t t = 0;
        for (; t + n_chains <= L.cols; t += n_chains)
            for (std::size_t p = 0; p < packs; ++p)
                sum[p] = fma(load(left + t + p * width), load(R + t + p * width), sum[p]);
        for (std::size_t p = 0; p < packs; ++p) store(chain + p * width, sum[p]);
        for (std::size_t i = 0; t + i < L.cols; ++i) chain[i] = fma(left[t + i], R[t + i], chain[i]);
        for (std::size_t half = n_chains / 2; half > 0; half /= 2)
            for (std::size_t i = 0; i < half; ++i) chain[i] = chain[i] + chain[i + half];
        C.row(r)[0] = chain[0];
    }
}

// As multiply; chain i of an element takes the terms t with t mod 16 = i, the first begins at `start`.
template <class T>
void multiply_interleaved(StridedMatrix<const T> L, Matrix<const T> R, const T* start, Matrix<T> C) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    if (R.cols == 1 && R.stride == 1 && L.col_step == 1) return multiply_column_interleaved(L, R.data, start, C);
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
