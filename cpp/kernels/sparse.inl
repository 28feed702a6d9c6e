// Products with sparse rows (base/sparse.hpp). Sums run over the stored elements in the order of their indices; the
// terms left out would have added 0. Registers run along the results.
#pragma once

#include "kernels/gemm.inl"
#include "kernels/table.hpp"
#include "simd/pack.hpp"
#include "simd/unrolled.hpp"

namespace rosenblatt {
namespace {

// Independent sums side by side, so that the processor waits for none of them (see tile.inl).
constexpr std::size_t sparse_packs = 8;

// f(packs, whole, j, last) for groups of registers that cover the columns from j on: `packs` whole ones, as many as
// there are in powers of two, or one of `last` columns at the end.
template <class T, std::size_t packs = sparse_packs, class F>
ROSENBLATT_INLINE void over_columns(std::size_t j, std::size_t cols, F f) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    for (; j + packs * width <= cols; j += packs * width) f(Index<packs>{}, Index<1>{}, j, width);
    if constexpr (packs > 1) over_columns<T, packs / 2>(j, cols, f);
    else if (j < cols) f(Index<1>{}, Index<0>{}, j, cols - j);
}

// A register of M, (i, j + p * width), or its first `last` lanes.
template <class T, bool whole>
ROSENBLATT_INLINE Pack<T> element_pack(const T* from, std::size_t last) noexcept {
    if constexpr (whole) return load(from);
    else return load(from, last);
}
template <class T, bool whole>
ROSENBLATT_INLINE void put_pack(T* to, Pack<T> x, std::size_t last) noexcept {
    if constexpr (whole) store(to, x);
    else store(to, x, last);
}

// Offset of register p from register 0 of a group: groups begin with a panel or are within one.
template <class T>
ROSENBLATT_INLINE std::size_t place_of_pack(std::size_t j, std::size_t p, std::size_t panel_stride) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    constexpr std::size_t panel = panel_cols<T>;
    return (j + p * width) / panel * panel_stride + (j + p * width) % panel;
}

// C[r][j] = init[j] + sum over the stored elements (k, a) of row r of a R[k][j]. init (cols,), null for zeros; C (rows,
// cols).
template <class T>
void multiply_sparse(SparseRows<const T> L, std::size_t rows, const T* init, Panels<const T> R, Matrix<T> C) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    over_columns<T>(0, C.cols, [&](auto packs, auto whole, std::size_t j, std::size_t last) ROSENBLATT_BODY {
        constexpr std::size_t n = packs;
        constexpr bool is_whole = whole == 1;
        std::size_t place[n];
        for (std::size_t p = 0; p < n; ++p) place[p] = place_of_pack<T>(j, p, R.panel_stride);
        for (std::size_t r = 0; r < rows; ++r) {
            Pack<T> sum[n];
            unrolled<n>([&](auto p) ROSENBLATT_BODY {
                sum[p] = init == nullptr ? zero<T>() : element_pack<T, is_whole>(init + j + p * width, last);
            });
            const T* const value = L.value[r];
            const std::int32_t* const column = L.column[r];
            for (std::size_t t = 0; t < L.count[r]; ++t) {
                const Pack<T> a = broadcast(value[t]);
                const T* const row = R.data + static_cast<std::size_t>(column[t]) * R.row_stride;
                unrolled<n>([&](auto p) ROSENBLATT_BODY {
                    sum[p] = fma(a, element_pack<T, is_whole>(row + place[p], last), sum[p]);
                });
            }
            unrolled<n>([&](auto p) ROSENBLATT_BODY { put_pack<T, is_whole>(C.row(r) + j + p * width, sum[p], last); });
        }
    });
}

// The same with 16 interleaved chains, for at most 16 columns: element (k, a) is a term of chain k mod 16; chain 0
// begins at `init`.
template <class T>
void multiply_sparse_interleaved(SparseRows<const T> L, std::size_t rows, const T* init, Panels<const T> R,
                                 Matrix<T> C) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    for (std::size_t j = 0; j < C.cols; j += width) {
        const std::size_t cols = C.cols - j < width ? C.cols - j : width;
        const auto get = [&](const T* from) ROSENBLATT_BODY { return cols == width ? load(from) : load(from, cols); };
        for (std::size_t r = 0; r < rows; ++r) {
            Pack<T> chain[n_chains] = {};
            if (init != nullptr) chain[0] = get(init + j);
            for (std::size_t t = 0; t < L.count[r]; ++t) {
                const auto k = static_cast<std::size_t>(L.column[r][t]);
                Pack<T>& sum = chain[k % n_chains];
                sum = fma(broadcast(L.value[r][t]), get(R.data + k * R.row_stride + j), sum);
            }
            store(C.row(r) + j, fold<n_chains>(chain), cols);
        }
    }
}

// end(sum, w) for the sums over the rows r of A's stored elements (r, a) of column k of a Delta[r][j], with w =
// W[k][j].
template <class T, class End>
ROSENBLATT_INLINE void over_sparse_columns(SparseColumns<T> A, Matrix<const T> Delta, Panels<T> W, End end) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    over_columns<T>(0, W.cols, [&](auto packs, auto whole, std::size_t j, std::size_t last) ROSENBLATT_BODY {
        constexpr std::size_t n = packs;
        constexpr bool is_whole = whole == 1;
        std::size_t place[n];
        for (std::size_t p = 0; p < n; ++p) place[p] = place_of_pack<T>(j, p, W.panel_stride);
        for (std::size_t c = 0; c < A.n; ++c) {
            T* const row = W.data + static_cast<std::size_t>(A.column[c]) * W.row_stride;
            Pack<T> sum[n] = {};
            for (std::size_t t = A.start[c]; t < A.start[c + 1]; ++t) {
                const Pack<T> a = broadcast(A.value[t]);
                const T* const delta = Delta.row(A.row[t]) + j;
                unrolled<n>([&](auto p) ROSENBLATT_BODY {
                    sum[p] = fma(a, element_pack<T, is_whole>(delta + p * width, last), sum[p]);
                });
            }
            unrolled<n>([&](auto p) ROSENBLATT_BODY {
                T* const to = row + place[p];
                put_pack<T, is_whole>(to, end(sum[p], element_pack<T, is_whole>(to, last)), last);
            });
        }
    });
}

// dW[k][j] = sum over the rows r of A's stored elements (r, a) of column k of a Delta[r][j]; rows k without any stay as
// they are.
template <class T>
void gradient_of_sparse(SparseColumns<T> A, Matrix<const T> Delta, Panels<T> dW) noexcept {
    over_sparse_columns(A, Delta, dW, [](Pack<T> sum, Pack<T>) ROSENBLATT_BODY { return sum; });
}

// W := W - epsilon dW of the same rows: the others' gradient is 0.
template <class T>
void descend_sparse(SparseColumns<T> A, Matrix<const T> Delta, T learning_rate, Panels<T> W) noexcept {
    const Descent<T> rule(learning_rate);
    over_sparse_columns(A, Delta, W, [&](Pack<T> sum, Pack<T> w) ROSENBLATT_BODY { return rule(sum, nullptr, w); });
}

}  // namespace
}  // namespace rosenblatt
