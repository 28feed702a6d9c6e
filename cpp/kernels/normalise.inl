// Normalisation: u less its mean, over its deviation; over the units of a sample (layer norm) or over the samples of a
// batch (batch norm), and the way back through both (docs/arithmetic.md, section 9). Sums over units are 16 interleaved
// chains, those over samples go in the samples' order, a unit a lane.
// Sources: Ba, Kiros, Hinton 2016 (arXiv:1607.06450); Ioffe, Szegedy, ICML 2015.
#pragma once

#include <cstddef>

#include "kernels/activation.inl"
#include "kernels/gemm.inl"
#include "kernels/table.hpp"
#include "simd/pack.hpp"
#include "simd/unrolled.hpp"

namespace rosenblatt {
namespace {

// Calls f(get, put) for registers that cover 0 ... n - 1: get(from) loads the numbers that the register covers of
// from[0 ... n - 1], put(to, x) stores as many.
template <class T, class F>
ROSENBLATT_INLINE void by_registers(std::size_t n, F f) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    std::size_t j = 0;
    for (; j + width <= n; j += width)
        f([j](const T* from) ROSENBLATT_BODY { return load(from + j); },
          [j](T* to, Pack<T> x) ROSENBLATT_BODY { store(to + j, x); });
    if (j == n) return;
    const std::size_t count = n - j;
    f([j, count](const T* from) ROSENBLATT_BODY { return load(from + j, count); },
      [j, count](T* to, Pack<T> x) ROSENBLATT_BODY { store(to + j, x, count); });
}

// The sum of n terms by 16 interleaved chains: next(t, count, s) adds the terms from t on, `count` of them, to the
// lanes of s, and leaves the lanes beyond as they are.
template <class T, class F>
ROSENBLATT_INLINE T interleaved_sum(std::size_t n, F next) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    constexpr std::size_t packs = chain_packs<T>;
    Pack<T> s[packs] = {};
    std::size_t t = 0;
    for (; t + n_chains <= n; t += n_chains)
        unrolled<packs>([&](auto p) ROSENBLATT_BODY { s[p] = next(t + p * width, width, s[p]); });
    unrolled<packs>([&](auto p) ROSENBLATT_BODY {
        const std::size_t at = t + p * width;
        if (at < n) s[p] = next(at, n - at < width ? n - at : width, s[p]);
    });
    T lane[width];
    store(lane, fold<packs>(s));
    for (std::size_t half = width / 2; half > 0; half /= 2)
        for (std::size_t i = 0; i < half; ++i) lane[i] = lane[i] + lane[i + half];
    return lane[0];
}

// The numbers from `from` on, `count` of them, and 0 in the lanes beyond.
template <class T>
ROSENBLATT_INLINE Pack<T> first_of(const T* from, std::size_t count) noexcept {
    return count == Pack<T>::width ? load(from) : load(from, count);
}

// 1 / sqrt(variance + eps), each operation rounded.
template <class T>
ROSENBLATT_INLINE Pack<T> reciprocal_root(Pack<T> variance, T eps) noexcept {
    return broadcast(T{1}) / sqrt(variance + broadcast(eps));
}

// rstd[j] = 1 / sqrt(variance[j] + eps), n of them.
template <class T>
void reciprocal_roots(const T* variance, std::size_t n, T eps, T* rstd) noexcept {
    map(variance, n, rstd, [eps](Pack<T> v) ROSENBLATT_BODY { return reciprocal_root(v, eps); });
}

// mean[j] and variance[j] of the column U[0][j], U[1][j], ...; both (cols,).
template <class T>
void column_moments(Matrix<const T> U, T* mean, T* variance) noexcept {
    const Pack<T> n = broadcast(static_cast<T>(U.rows));
    by_registers<T>(U.cols, [&](auto get, auto put) ROSENBLATT_BODY {
        Pack<T> sum = zero<T>();
        for (std::size_t i = 0; i < U.rows; ++i) sum = sum + get(U.row(i));
        const Pack<T> m = sum / n;
        Pack<T> squares = zero<T>();
        for (std::size_t i = 0; i < U.rows; ++i) {
            const Pack<T> d = get(U.row(i)) - m;
            squares = fma(d, d, squares);
        }
        put(mean, m);
        put(variance, squares / n);
    });
}

// U[i][j] := (U[i][j] - mean[j]) * rstd[j]
template <class T>
void normalise_columns(const T* mean, const T* rstd, Matrix<T> U) noexcept {
    by_registers<T>(U.cols, [&](auto get, auto put) ROSENBLATT_BODY {
        const Pack<T> m = get(mean);
        const Pack<T> r = get(rstd);
        for (std::size_t i = 0; i < U.rows; ++i) put(U.row(i), (get(U.row(i)) - m) * r);
    });
}

// U[i][j] := (U[i][j] - mean_i) * rstd_i with the moments of row i; rstd (rows,), or null.
template <class T>
void normalise_rows(T eps, Matrix<T> U, T* rstd) noexcept {
    const T n = static_cast<T>(U.cols);
    for (std::size_t i = 0; i < U.rows; ++i) {
        T* const u = U.row(i);
        const T sum = interleaved_sum<T>(U.cols, [&](std::size_t t, std::size_t count, Pack<T> s)
                                                     ROSENBLATT_BODY { return s + first_of(u + t, count); });
        const Pack<T> mean = broadcast(sum / n);
        const T squares = interleaved_sum<T>(U.cols, [&](std::size_t t, std::size_t count, Pack<T> s) ROSENBLATT_BODY {
            // A lane beyond the row is the mean, and adds nothing.
            const Pack<T> d = (count == Pack<T>::width ? load(u + t) : load(u + t, count, mean)) - mean;
            return fma(d, d, s);
        });
        T r[Pack<T>::width];
        store(r, reciprocal_root(broadcast(squares / n), eps));
        const Pack<T> factor = broadcast(r[0]);
        map(u, U.cols, u, [&](Pack<T> x) ROSENBLATT_BODY { return (x - mean) * factor; });
        if (rstd != nullptr) rstd[i] = r[0];
    }
}

// Z[i][j] = g[j] U[i][j] + b[j]; Z may be U.
template <class T>
void scale_and_shift(Matrix<const T> U, const T* g, const T* b, Matrix<T> Z) noexcept {
    by_registers<T>(U.cols, [&](auto get, auto put) ROSENBLATT_BODY {
        const Pack<T> gain = get(g);
        const Pack<T> shift = get(b);
        for (std::size_t i = 0; i < U.rows; ++i) put(Z.row(i), fma(gain, get(U.row(i)), shift));
    });
}

// s[j] = A[0][j] B[0][j] + A[1][j] B[1][j] + ..., a chain from 0.
template <class T>
void sum_row_products(Matrix<const T> A, Matrix<const T> B, T* s) noexcept {
    by_registers<T>(A.cols, [&](auto get, auto put) ROSENBLATT_BODY {
        Pack<T> sum = zero<T>();
        for (std::size_t i = 0; i < A.rows; ++i) sum = fma(get(A.row(i)), get(B.row(i)), sum);
        put(s, sum);
    });
}

// dU[i][j] = (g[j] rstd[j]) (Delta[i][j] - p - U[i][j] q), where p is db[j] / n and q is dg[j] / n; both are 0 where db
// and dg are null, for then mean and rstd do not depend on the samples.
template <class T>
void normalise_columns_backward(const T* g, const T* rstd, const T* db, const T* dg, Matrix<const T> U,
                                Matrix<const T> Delta, Matrix<T> dU) noexcept {
    const Pack<T> n = broadcast(static_cast<T>(U.rows));
    by_registers<T>(U.cols, [&](auto get, auto put) ROSENBLATT_BODY {
        const Pack<T> k = get(g) * get(rstd);
        if (db == nullptr) {
            for (std::size_t i = 0; i < U.rows; ++i) put(dU.row(i), k * get(Delta.row(i)));
            return;
        }
        const Pack<T> p = get(db) / n;
        const Pack<T> q = get(dg) / n;
        for (std::size_t i = 0; i < U.rows; ++i)
            put(dU.row(i), k * fma(zero<T>() - get(U.row(i)), q, get(Delta.row(i)) - p));
    });
}

// dU[i][j] = rstd_i (e_j - mean(e) - U[i][j] mean(e U[i])), e_j = g[j] Delta[i][j], the means over the units j.
template <class T>
void normalise_rows_backward(const T* g, const T* rstd, Matrix<const T> U, Matrix<const T> Delta,
                             Matrix<T> dU) noexcept {
    const T n = static_cast<T>(U.cols);
    for (std::size_t i = 0; i < U.rows; ++i) {
        const T* const u = U.row(i);
        const T* const delta = Delta.row(i);
        const auto e = [&](std::size_t t, std::size_t count)
                           ROSENBLATT_BODY { return first_of(g + t, count) * first_of(delta + t, count); };
        const T sum = interleaved_sum<T>(
            U.cols, [&](std::size_t t, std::size_t count, Pack<T> s) ROSENBLATT_BODY { return s + e(t, count); });
        const T along = interleaved_sum<T>(U.cols, [&](std::size_t t, std::size_t count, Pack<T> s) ROSENBLATT_BODY {
            return fma(e(t, count), first_of(u + t, count), s);
        });
        const Pack<T> p = broadcast(sum / n);
        const Pack<T> q = broadcast(along / n);
        const Pack<T> r = broadcast(rstd[i]);
        by_registers<T>(U.cols, [&](auto get, auto put) ROSENBLATT_BODY {
            put(dU.row(i), r * fma(zero<T>() - get(u), q, (get(g) * get(delta)) - p));
        });
    }
}

}  // namespace
}  // namespace rosenblatt
