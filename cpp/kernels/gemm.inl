// Products of matrices: forward, input gradient and weight gradient are one kernel over differently strided operands.
// A tile of C stays in registers while the sum runs; each element has one accumulator, so the order of its sum is the
// index order whatever the tile.
#pragma once

#include "kernels/activation.inl"
#include "kernels/dropout.inl"
#include "kernels/panels.inl"
#include "kernels/table.hpp"
#include "kernels/tile.inl"
#include "kernels/update.inl"
#include "simd/pack.hpp"

namespace rosenblatt {
namespace {

// Every tile of init + L R. result.place(work, r, j, rows) says where the tile of `rows` rows at (r, j) goes, and
// result.finish(r, j, rows, cols) goes over it while it is in the nearest cache. What the inner loop comes back to
// stays in the nearest cache: all of R if it is small, else a panel of it.
template <class T, bool by_columns, class Result>
void multiply_tiles(const Operands<T>& LR, Init<T> init, Result result) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    constexpr std::size_t panel = panel_cols<T>;
    const Scattered<const T> M = LR.L.M;
    const RightOperand<T> R = LR.R;
    const std::size_t n_rows = LR.L.rows();
    const std::size_t terms = LR.L.terms();
    const std::size_t cols = R.cols();
    // Tiles as tall as each other, not tall ones and a rest; then as wide as the registers allow.
    const std::size_t row_tiles = (n_rows + max_rows - 1) / max_rows;
    const std::size_t tallest = row_tiles == 1 ? n_rows : (n_rows + row_tiles - 1) / row_tiles;
    const std::size_t widest = packs_per_row<by_columns>(tallest) * width;

    Prefetch<T> prefetch = LR.prefetch;
    TileWork<T> work;
    work.L = M.row;
    work.L_first = M.first;
    work.n_terms = terms;
    work.continues = init.continues;
    work.init = nullptr;
    work.R_stride = LR.R_copy != nullptr ? panel : R.M.row_stride;
    work.R_panel = LR.R_copy != nullptr ? terms * panel : R.M.panel_stride;
    const auto compute = [&](std::size_t r, std::size_t j, std::size_t limit, const T* from_R) ROSENBLATT_BODY {
        const std::size_t rows = n_rows - r < tallest ? n_rows - r : tallest;
        if constexpr (by_columns) work.L_first = M.first + r;
        else work.L = M.row + r;
        for (std::size_t end = limit - j < widest ? limit : j + widest; j < end;) {
            const std::size_t whole = (end - j) / width;
            work.R = from_R;
            if (init.row != nullptr) work.init = init.row + j;
            work.fetch = prefetch.take(terms, work.fetch_stride);
            if (work.fetch == nullptr)
                work.fetch = reinterpret_cast<const unsigned char*>(from_R);  // is being read anyway
            result.place(work, r, j, rows);
            if (whole > 0) {
                tiles<T, by_columns>.whole[rows - 1][whole - 1](work);
                result.finish(r, j, rows, whole * width);
                j += whole * width;
                from_R += whole * width / panel * work.R_panel + whole * width % panel;
            } else {
                work.last = end - j;
                tiles<T, by_columns>.partial[rows - 1](work);
                result.finish(r, j, rows, end - j);
                j = end;
            }
        }
    };
    if (LR.R_copy != nullptr) {
        const std::size_t at_once = LR.panels * panel;
        for (std::size_t j = 0; j < cols; j += at_once) {
            const std::size_t end = cols - j < at_once ? cols : j + at_once;
            for (std::size_t k = j; k < end; k += panel) copy_panel(R, k, LR.R_copy + (k - j) * terms);
            for (std::size_t r = 0; r < n_rows; r += tallest)
                for (std::size_t k = j; k < end; k += widest)
                    compute(r, k, end, LR.R_copy + (k - j) / panel * panel * terms + k % panel);
        }
        return;
    }
    constexpr std::size_t nearest_cache = 20 * 1024;  // of 32 KB or 48 KB; the tile and L want their part
    if (terms * cols * sizeof(T) <= nearest_cache) {
        for (std::size_t r = 0; r < n_rows; r += tallest)
            for (std::size_t j = 0; j < cols; j += widest) compute(r, j, cols, R.M.at(0, j));
    } else {
        for (std::size_t j = 0; j < cols; j += widest)
            for (std::size_t r = 0; r < n_rows; r += tallest) compute(r, j, cols, R.M.at(0, j));
    }
}

// A result from row `first` on.
template <class Result>
struct Below {
    const Result& result;
    std::size_t first;

    template <class T>
    ROSENBLATT_INLINE void place(TileWork<T>& work, std::size_t r, std::size_t j, std::size_t rows) const noexcept {
        result.place(work, first + r, j, rows);
    }
    ROSENBLATT_INLINE void finish(std::size_t r, std::size_t j, std::size_t rows, std::size_t cols) const noexcept {
        result.finish(first + r, j, rows, cols);
    }
};

// A product by columns that copies some columns of L at a time, so that what a tile reads of each term is next to what
// the next tile reads of it, and next to the next term.
template <class T, class Result>
void multiply_copied_columns(const Operands<T>& LR, Init<T> init, const Result& result) noexcept {
    constexpr std::size_t at_once = columns_copied / max_rows * max_rows;
    const Scattered<const T> M = LR.L.M;
    const std::size_t n_rows = LR.L.rows();
    const std::size_t n_parts = (n_rows + at_once - 1) / at_once;
    const auto term = reinterpret_cast<const T**>(LR.L_copy + M.rows * columns_copied);
    for (std::size_t t = 0; t < M.rows; ++t) term[t] = LR.L_copy + t * columns_copied;
    for (std::size_t i = 0; i < n_parts; ++i) {
        const std::size_t first = i * at_once;
        const std::size_t n = n_rows - first < at_once ? n_rows - first : at_once;
        for (std::size_t t = 0; t < M.rows; ++t)
            map(M.row[t] + M.first + first, n, LR.L_copy + t * columns_copied, [](Pack<T> x) { return x; });
        Operands<T> some = LR;
        some.L = {{term, M.rows, n, 0, columns_copied}, true};
        some.prefetch = LR.prefetch.part(i, n_parts);
        multiply_tiles<T, true>(some, init, Below<Result>{result, first});
    }
}

template <class T, class Result>
ROSENBLATT_INLINE void multiply_into(const Operands<T>& LR, Init<T> init, Result result) noexcept {
    if (!LR.L.transposed) return multiply_tiles<T, false>(LR, init, result);
    if (LR.L_copy != nullptr) return multiply_copied_columns(LR, init, result);
    multiply_tiles<T, true>(LR, init, result);
}

// Where the tiles of a result go, and the epilogue they end with.
template <class T>
struct TileResult {
    Panels<T> C;
    Epilogue epilogue;
    Matrix<const T> A;  // of relu_backward; what f' is computed from if `finish` does it

    ROSENBLATT_INLINE void place(TileWork<T>& work, std::size_t r, std::size_t j, std::size_t) const noexcept {
        work.C = C.at(r, j);
        work.C_stride = C.row_stride;
        work.C_panel = C.panel_stride;
        work.epilogue = epilogue;
        work.A = A.row(r) + j;
        work.A_stride = A.stride;
    }
    ROSENBLATT_INLINE void finish(std::size_t, std::size_t, std::size_t, std::size_t) const noexcept {}
};

// A few elements of a single column: a register would hold one number, so `n` rows run side by side instead.
template <class T, std::size_t n>
ROSENBLATT_INLINE void multiply_rows_by_column(Scattered<const T> L, std::size_t r, const T* R, std::size_t R_stride,
                                               const T* init, T* C, std::size_t C_stride) noexcept {
    const T* left[n];
    T sum[n];
    for (std::size_t i = 0; i < n; ++i) left[i] = L.row[r + i] + L.first;
    for (std::size_t i = 0; i < n; ++i) sum[i] = init == nullptr ? T{0} : init[0];
    for (std::size_t t = 0; t < L.cols; ++t)
        for (std::size_t i = 0; i < n; ++i) sum[i] = fma(left[i][t], R[t * R_stride], sum[i]);
    for (std::size_t i = 0; i < n; ++i) C[(r + i) * C_stride] = sum[i];
}

// C = init + L R for a single column.
template <class T>
void multiply_column(Scattered<const T> L, const T* R, std::size_t R_stride, const T* init, T* C,
                     std::size_t C_stride) noexcept {
    std::size_t r = 0;
    for (; r + 8 <= L.rows; r += 8) multiply_rows_by_column<T, 8>(L, r, R, R_stride, init, C, C_stride);
    if (r + 4 <= L.rows) {
        multiply_rows_by_column<T, 4>(L, r, R, R_stride, init, C, C_stride);
        r += 4;
    }
    for (; r < L.rows; ++r) multiply_rows_by_column<T, 1>(L, r, R, R_stride, init, C, C_stride);
}

// C = init + L R.
template <class T>
void multiply(const Operands<T>& LR, Init<T> init, Panels<T> C) noexcept {
    if (C.cols == 1 && !LR.L.transposed && !LR.R.transposed && !init.continues)
        multiply_column(LR.L.M, LR.R.M.data, LR.R.M.row_stride, init.row, C.data, C.row_stride);
    else multiply_into(LR, init, TileResult<T>{C, Epilogue::store, {}});
}

// A = f(init + L R) for an f of one number: relu in registers, others while the tile is in the nearest cache. A is
// row-major.
template <class T>
void multiply_activate(const Operands<T>& LR, Init<T> init, Activation f, Panels<T> A) noexcept {
    struct Activated : TileResult<T> {
        Activation f;
        ROSENBLATT_INLINE void finish(std::size_t r, std::size_t j, std::size_t rows, std::size_t cols) const noexcept {
            const Matrix<T> a{this->C.at(r, j), rows, cols, this->C.row_stride};
            activate<T>(f, a, a);
        }
    };
    if (A.cols == 1) {
        multiply(LR, init, A);
        activate<T>(f, {A.data, A.rows, 1, A.row_stride}, {A.data, A.rows, 1, A.row_stride});
    } else if (f == Activation::relu) {
        multiply_into(LR, init, TileResult<T>{A, Epilogue::relu, {}});
    } else {
        multiply_into(LR, init, Activated{{A, Epilogue::store, {}}, f});
    }
}

// Delta = (init + L R) * mask * f'(z), element by element; `mask` may be null. f' is computed from z or a, as
// derivative_from_z(f) says, given in From.
template <class T>
void multiply_activation_backward(const Operands<T>& LR, Init<T> init, Activation f, Matrix<const T> From,
                                  Matrix<const T> mask, Panels<T> Delta) noexcept {
    struct ActivationBackward : TileResult<T> {
        Activation f;
        Matrix<const T> mask;
        ROSENBLATT_INLINE void finish(std::size_t r, std::size_t j, std::size_t rows, std::size_t cols) const noexcept {
            const Matrix<T> tile{this->C.at(r, j), rows, cols, this->C.row_stride};
            if (mask.data != nullptr) multiply_numbers<T>(tile, {mask.row(r) + j, rows, cols, mask.stride}, tile);
            activation_backward<T>(f, {this->A.row(r) + j, rows, cols, this->A.stride}, tile);
        }
    };
    if (f == Activation::relu && mask.data == nullptr)
        multiply_into(LR, init, TileResult<T>{Delta, Epilogue::relu_backward, From});
    else multiply_into(LR, init, ActivationBackward{{Delta, Epilogue::store, From}, f, mask});
}

// A tile of a result in panels: rows x cols at (r, j), one row and panel at a time as f(row, j, cols).
template <class T, class F>
ROSENBLATT_INLINE void over_tile(std::size_t r, std::size_t j, std::size_t rows, std::size_t cols, F f) noexcept {
    constexpr std::size_t panel = panel_cols<T>;
    for (std::size_t i = r; i < r + rows; ++i)
        for (std::size_t k = j; k < j + cols;) {
            const std::size_t of_panel = panel - k % panel;
            const std::size_t n = j + cols - k < of_panel ? j + cols - k : of_panel;
            f(i, k, n);
            k += n;
        }
}

// Where a tile of a gradient waits for its step, in panels of its own.
template <class T>
struct GradientTile {
    static constexpr std::size_t size = 4 * max_rows * panel_cols<T>;  // the widest tile is four panels
    T* gradient;

    ROSENBLATT_INLINE void place(TileWork<T>& work, std::size_t, std::size_t j, std::size_t) const noexcept {
        work.C = gradient + j % panel_cols<T>;
        work.C_stride = panel_cols<T>;
        work.C_panel = max_rows * panel_cols<T>;
        work.epilogue = Epilogue::store;
    }

    // Row i of the tile and column k of the result, for a tile that begins at column j.
    ROSENBLATT_INLINE T* at(std::size_t i, std::size_t k, std::size_t j) const noexcept {
        const std::size_t panel = k / panel_cols<T> - j / panel_cols<T>;
        return gradient + (panel * max_rows + i) * panel_cols<T> + k % panel_cols<T>;
    }
};

// The update of a tile of W, rows x cols at (r, j), from its gradient, which is adjusted first: a function for each
// rule, so that products are compiled once for all of them.
template <class T, class R>
void update_tile(const UpdateRule<T>& rule, GradientTile<T> gradient, const PanelStates<T>& states, Panels<T> W,
                 std::size_t r, std::size_t j, std::size_t rows, std::size_t cols) noexcept {
    const R rule_of(rule);
    over_tile<T>(r, j, rows, cols, [&](std::size_t i, std::size_t k, std::size_t n) ROSENBLATT_BODY {
        T* const dw = gradient.at(i - r, k, j);
        T* const w = W.at(i, k);
        adjust(rule.adjustment, w, n, dw);
        take_steps(rule_of, dw, n, states.at(i, k, R::n_states), w);
    });
}

template <class T>
using UpdateTile = decltype(&update_tile<T, Descent<T>>);

template <class T>
UpdateTile<T> update_tile_of(const UpdateRule<T>& rule) noexcept {
    UpdateTile<T> function = nullptr;
    with_rule(rule, [&]<class R>(const R&) ROSENBLATT_BODY { function = update_tile<T, R>; });
    return function;
}

// A tile whose epilogue is the update of any rule.
template <class T>
struct UpdatedWeights : GradientTile<T> {
    const UpdateRule<T>& rule;
    const PanelStates<T>& states;
    Panels<T> W;
    UpdateTile<T> update_tile;

    ROSENBLATT_INLINE void finish(std::size_t r, std::size_t j, std::size_t rows, std::size_t cols) const noexcept {
        update_tile(rule, *this, states, W, r, j, rows, cols);
    }
};

// A tile whose epilogue is w := w - epsilon dC/dw, in registers.
template <class T>
struct DescendedWeights : TileResult<T> {
    T descent;

    ROSENBLATT_INLINE void place(TileWork<T>& work, std::size_t r, std::size_t j, std::size_t rows) const noexcept {
        TileResult<T>::place(work, r, j, rows);
        work.descent = descent;
    }
};

// Updates W along its gradient L R, which is never stored as a whole.
template <class T>
void multiply_update(const Operands<T>& LR, const UpdateRule<T>& rule, const PanelStates<T>& states,
                     Panels<T> W) noexcept {
    if (rule.is_plain_descent())
        return multiply_into(LR, {}, DescendedWeights<T>{{W, Epilogue::descend, {}}, -rule.rate});
    alignas(64) T gradient[GradientTile<T>::size];
    multiply_into(LR, {}, UpdatedWeights<T>{{gradient}, rule, states, W, update_tile_of(rule)});
}

constexpr std::size_t n_chains = 16;

// s[0] + ... + s[n - 1] by halves.
template <std::size_t n, class T>
ROSENBLATT_INLINE Pack<T> fold(Pack<T>* s) noexcept {
    if constexpr (n == 1) return s[0];
    else {
        unrolled<n / 2>([&](auto i) ROSENBLATT_BODY { s[i] = s[i] + s[i + n / 2]; });
        return fold<n / 2>(s);
    }
}

// The registers that the 16 chains of an element fill, a chain a lane.
template <class T>
constexpr std::size_t chain_packs = n_chains / Pack<T>::width;
template <class T>
constexpr T chain_numbers[n_chains] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// n_rows x n_cols elements at (r, j) of C = init + L R. R comes by its columns: 16 terms of row j of M (cols, terms)
// lie side by side. Tile: all chains of these elements in registers; a step of 16 terms loads them from n_rows rows of
// L and n_cols of M. At the end the elements become lanes by a transpose, and are folded all at once.
template <class T, std::size_t n_rows, std::size_t n_cols>
ROSENBLATT_INLINE void tile_interleaved(Scattered<const T> L, std::size_t r, Panels<const T> M, std::size_t j,
                                        const T* init, Panels<T> C) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    constexpr std::size_t packs = chain_packs<T>;
    static_assert(n_rows * n_cols <= width);
    const T* left[n_rows];
    for (std::size_t i = 0; i < n_rows; ++i) left[i] = L.row[r + i] + L.first;
    Pack<T> sum[n_rows][n_cols][packs];
    const auto each = [&](auto f) ROSENBLATT_BODY {
        unrolled<n_rows>([&](auto i) ROSENBLATT_BODY { unrolled<n_cols>([&](auto c) ROSENBLATT_BODY { f(i, c); }); });
    };
    each([&](auto i, auto c) ROSENBLATT_BODY {
        sum[i][c][0] = init == nullptr ? zero<T>() : load(init + j + c, 1);
        unrolled<packs - 1>([&](auto p) ROSENBLATT_BODY { sum[i][c][p + 1] = zero<T>(); });
    });
    std::size_t t = 0;
    for (; t + n_chains <= L.cols; t += n_chains)
        unrolled<packs>([&](auto p) ROSENBLATT_BODY {
            Pack<T> right[n_cols];
            unrolled<n_cols>([&](auto c) ROSENBLATT_BODY { right[c] = load(M.at(j + c, t) + p * width); });
            each([&](auto i, auto c)
                     ROSENBLATT_BODY { sum[i][c][p] = fma(load(left[i] + t + p * width), right[c], sum[i][c][p]); });
        });
    if (const std::size_t rest = L.cols - t; rest > 0) {  // the chains beyond it stay as they are
        T l[n_rows][n_chains] = {};
        T m[n_cols][n_chains] = {};
        for (std::size_t k = 0; k < rest; ++k) {
            for (std::size_t i = 0; i < n_rows; ++i) l[i][k] = left[i][t + k];
            for (std::size_t c = 0; c < n_cols; ++c) m[c][k] = *M.at(j + c, t + k);
        }
        unrolled<packs>([&](auto p) ROSENBLATT_BODY {
            const auto goes_on = load(chain_numbers<T> + p * width) < broadcast(static_cast<T>(rest));
            each([&](auto i, auto c) ROSENBLATT_BODY {
                const Pack<T> next = fma(load(l[i] + p * width), load(m[c] + p * width), sum[i][c][p]);
                sum[i][c][p] = select<T>(goes_on, next, sum[i][c][p]);
            });
        });
    }
    Pack<T> square[width] = {};
    each([&](auto i, auto c) ROSENBLATT_BODY { square[i * n_cols + c] = fold<packs>(sum[i][c]); });
    transpose_square<T>(square);
    T element[width];
    store(element, fold<width>(square));
    for (std::size_t i = 0; i < n_rows; ++i)
        for (std::size_t c = 0; c < n_cols; ++c) *C.at(r + i, j + c) = element[i * n_cols + c];
}

// n_cols columns of C from column j on, n_rows rows at a time.
template <class T, std::size_t n_rows, std::size_t n_cols>
void columns_interleaved(Scattered<const T> L, Panels<const T> M, std::size_t j, const T* init, Panels<T> C) noexcept {
    std::size_t r = 0;
    for (; r + n_rows <= C.rows; r += n_rows) tile_interleaved<T, n_rows, n_cols>(L, r, M, j, init, C);
    for (; r < C.rows; ++r) tile_interleaved<T, 1, n_cols>(L, r, M, j, init, C);
}

// A register of columns at a time, for R by rows: a chain is a register, and the columns are its lanes.
template <class T>
void rows_interleaved(Scattered<const T> L, Panels<const T> R, const T* init, Panels<T> C) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    for (std::size_t j = 0; j < C.cols; j += width) {
        const std::size_t cols = C.cols - j < width ? C.cols - j : width;
        const auto get = [&](const T* from) ROSENBLATT_BODY { return cols == width ? load(from) : load(from, cols); };
        for (std::size_t r = 0; r < C.rows; ++r) {
            const T* const left = L.row[r] + L.first;
            Pack<T> chain[n_chains] = {};
            if (init != nullptr) chain[0] = get(init + j);
            std::size_t t = 0;
            for (; t + n_chains <= L.cols; t += n_chains)
                unrolled<n_chains>([&](auto i) ROSENBLATT_BODY {
                    chain[i] = fma(broadcast(left[t + i]), get(R.at(t + i, j)), chain[i]);
                });
            unrolled<n_chains>([&](auto i) ROSENBLATT_BODY {
                if (t + i < L.cols) chain[i] = fma(broadcast(left[t + i]), get(R.at(t + i, j)), chain[i]);
            });
            store(C.at(r, j), fold<n_chains>(chain), cols);
        }
    }
}

// As multiply; chain i of an element takes the terms t with t mod 16 = i, the first begins at `init`.
template <class T>
void multiply_interleaved(const Operands<T>& LR, const T* init, Panels<T> C) noexcept {
    // Elements per tile: bounded by the registers for 16 chains each and by the rows of one transpose.
    constexpr std::size_t packs = chain_packs<T>;
    constexpr std::size_t width = Pack<T>::width;
    constexpr std::size_t at_once = packs == 1                                                ? 16
                                    : packs == 2 && width == 8 && ROSENBLATT_PACK_BYTES == 64 ? 8
                                    : width < 4                                               ? 2
                                                                                              : 4;
    constexpr std::size_t n_cols = at_once >= 16 ? 4 : 2;
    Panels<const T> M = LR.R.M;
    const bool one_column = M.cols == 1 && M.row_stride == 1 && !LR.R.transposed;
    if (!LR.R.transposed && !one_column) return rows_interleaved(LR.L.M, M, init, C);
    if (one_column) M = {M.data, 1, M.rows, M.rows, panel_cols<T>};
    constexpr std::size_t n_rows = 16;  // that stay near while all columns go over them
    for (std::size_t r = 0; r < C.rows; r += n_rows) {
        const std::size_t n = C.rows - r < n_rows ? C.rows - r : n_rows;
        const Scattered<const T> L = LR.L.M.part(r, 0, n, LR.L.M.cols);
        const Panels<T> rows = C.part(r, 0, n, C.cols);
        std::size_t j = 0;
        for (; j + n_cols <= C.cols; j += n_cols) columns_interleaved<T, at_once / n_cols, n_cols>(L, M, j, init, rows);
        for (; j + 2 <= C.cols; j += 2) columns_interleaved<T, at_once / 2, 2>(L, M, j, init, rows);
        for (; j < C.cols; ++j) columns_interleaved<T, at_once / 2, 1>(L, M, j, init, rows);
    }
}

// s[j] = 0 + A[0][j] + A[1][j] + ..., `packs` registers side by side, so that none waits for its own sum.
template <class T, std::size_t packs>
ROSENBLATT_INLINE void sum_columns(Matrix<const T> A, std::size_t j, T* s) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    Pack<T> sum[packs] = {};
    for (std::size_t i = 0; i < A.rows; ++i)
        unrolled<packs>([&](auto p) ROSENBLATT_BODY { sum[p] = sum[p] + load(A.row(i) + j + p * width); });
    unrolled<packs>([&](auto p) ROSENBLATT_BODY { store(s + j + p * width, sum[p]); });
}

template <class T>
void sum_rows(Matrix<const T> A, T* s) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    std::size_t j = 0;
    for (; j + 4 * width <= A.cols; j += 4 * width) sum_columns<T, 4>(A, j, s);
    for (; j + width <= A.cols; j += width) sum_columns<T, 1>(A, j, s);
    if (j == A.cols) return;
    Pack<T> sum = zero<T>();
    for (std::size_t i = 0; i < A.rows; ++i) sum = sum + load(A.row(i) + j, A.cols - j);
    store(s + j, sum, A.cols - j);
}

}  // namespace
}  // namespace rosenblatt
