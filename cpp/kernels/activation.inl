// Activations and their derivatives, over the rows of a layer (docs/arithmetic.md, section 3).
#pragma once

#include "kernels/table.hpp"
#include "simd/math.hpp"

namespace rosenblatt {
namespace {

// y[i] = f(x[i]) for i < n; y may be x. Tails go through the same code as full registers.
template <class T, class F>
ROSENBLATT_INLINE void map(const T* x, std::size_t n, T* y, F f) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    std::size_t i = 0;
    for (; i + width <= n; i += width) store(y + i, f(load(x + i)));
    if (i < n) store(y + i, f(load(x + i, n - i)), n - i);
}

// y[i] = f(x[i], y[i]) for i < n.
template <class T, class F>
ROSENBLATT_INLINE void combine(const T* x, std::size_t n, T* y, F f) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    std::size_t i = 0;
    for (; i + width <= n; i += width) store(y + i, f(load(x + i), load(y + i)));
    if (i < n) store(y + i, f(load(x + i, n - i), load(y + i, n - i)), n - i);
}

// The largest of n >= 1 numbers. It does not depend on the order, but for a NaN, which gives a NaN further on.
template <class T>
ROSENBLATT_INLINE T largest(const T* z, std::size_t n) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    Pack<T> m = broadcast(z[0]);
    std::size_t j = 0;
    for (; j + width <= n; j += width) {
        const Pack<T> x = load(z + j);
        m = select<T>(x > m, x, m);
    }
    if (j < n) {
        const Pack<T> x = load(z + j, n - j, m);
        m = select<T>(x > m, x, m);
    }
    return largest_lane(m);
}

// e[j] = exp(z[j] - m); returns their sum in index order. e may be z.
template <class T>
ROSENBLATT_INLINE T exp_row(const T* z, std::size_t n, T m, T* e) noexcept {
    map(z, n, e, [m](Pack<T> x) { return exp(x - broadcast(m)); });
    T sum = 0;
    for (std::size_t j = 0; j < n; ++j) sum += e[j];
    return sum;
}

// a = e / S, in place.
template <class T>
ROSENBLATT_INLINE void divide_row(T* a, std::size_t n, T S) noexcept {
    map(a, n, a, [S](Pack<T> e) { return e / broadcast(S); });
}

template <class T>
ROSENBLATT_INLINE void softmax_row(const T* z, std::size_t n, T* a) noexcept {
    divide_row(a, n, exp_row(z, n, largest(z, n), a));
}

template <class T>
ROSENBLATT_INLINE Pack<T> relu(Pack<T> z) noexcept {
    return select<T>(z <= zero<T>(), zero<T>(), z);  // a NaN stays
}

// Rows that lie one after the other are one long row.
template <class T, class F>
ROSENBLATT_INLINE void map_rows(Matrix<const T> Z, Matrix<T> A, F f) noexcept {
    if (Z.stride == Z.cols && A.stride == A.cols) return map(Z.data, Z.rows * Z.cols, A.data, f);
    for (std::size_t i = 0; i < Z.rows; ++i) map(Z.row(i), Z.cols, A.row(i), f);
}

// A = f(Z); A may be Z.
template <class T>
void activate(Activation f, Matrix<const T> Z, Matrix<T> A) noexcept {
    switch (f) {
        case Activation::identity:
            if (A.data != Z.data) map_rows(Z, A, [](Pack<T> x) { return x; });
            break;
        case Activation::logistic:
            map_rows(Z, A, [](Pack<T> x) { return logistic(x); });
            break;
        case Activation::tanh:
            map_rows(Z, A, [](Pack<T> x) { return tanh(x); });
            break;
        case Activation::relu:
            map_rows(Z, A, [](Pack<T> x) { return relu(x); });
            break;
        case Activation::softmax:
            for (std::size_t i = 0; i < Z.rows; ++i) softmax_row(Z.row(i), Z.cols, A.row(i));
            break;
    }
}

// dz_j = sum_k dC/da_k da_k/dz_j = a_j (g_j - sum_k g_k a_k); delta holds g, then dC/dz.
template <class T>
ROSENBLATT_INLINE void through_softmax(const T* a, std::size_t n, T* delta) noexcept {
    T q = 0;
    for (std::size_t k = 0; k < n; ++k) q = fma(delta[k], a[k], q);
    combine(a, n, delta, [q](Pack<T> x, Pack<T> g) { return x * (g - broadcast(q)); });
}

// Delta = dC/dz from Delta = dC/da: f'(z) written in terms of a = f(z).
template <class T>
void through_activation(Activation f, Matrix<const T> A, Matrix<T> Delta) noexcept {
    if (A.stride == A.cols && Delta.stride == Delta.cols && f != Activation::softmax) {
        const std::size_t n = A.rows * A.cols;  // rows that lie one after the other are one long row
        A = {A.data, 1, n, n};
        Delta = {Delta.data, 1, n, n};
    }
    for (std::size_t i = 0; i < A.rows; ++i) {
        const T* const a = A.row(i);
        T* const delta = Delta.row(i);
        switch (f) {
            case Activation::identity:
                break;
            case Activation::logistic:
                combine(a, A.cols, delta, [](Pack<T> x, Pack<T> g) { return g * fma(zero<T>() - x, x, x); });
                break;
            case Activation::tanh:
                combine(a, A.cols, delta,
                        [](Pack<T> x, Pack<T> g) { return g * fma(zero<T>() - x, x, broadcast(T{1})); });
                break;
            case Activation::relu:
                combine(a, A.cols, delta, [](Pack<T> x, Pack<T> g) { return select<T>(x > zero<T>(), g, zero<T>()); });
                break;
            case Activation::softmax:
                through_softmax(a, A.cols, delta);
                break;
        }
    }
}

}  // namespace
}  // namespace rosenblatt
