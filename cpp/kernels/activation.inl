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

// a_j = z_j - m - ln S, with S the sum of e^(z_j - m) in index order. a may be z.
template <class T>
ROSENBLATT_INLINE void log_softmax_row(const T* z, std::size_t n, T* a) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    const Pack<T> m = broadcast(largest(z, n));
    T S = 0;
    for (std::size_t j = 0; j < n; j += width) {
        const std::size_t lanes = n - j < width ? n - j : width;
        T e[width];
        store(e, exp(load(z + j, lanes) - m));
        for (std::size_t i = 0; i < lanes; ++i) S += e[i];
    }
    const Pack<T> log_S = log(broadcast(S));
    map(z, n, a, [=](Pack<T> x) { return (x - m) - log_S; });
}

// ---- a = f(z), a register at a time; a NaN stays a NaN ------------------------------------------------------------

template <class T>
ROSENBLATT_INLINE Pack<T> relu(Pack<T> z) noexcept {
    return select<T>(z <= zero<T>(), zero<T>(), z);
}

// low <= z <= high, what is beyond becomes the nearer end.
template <class T>
ROSENBLATT_INLINE Pack<T> clip(Pack<T> z, T low, T high) noexcept {
    const Pack<T> above = select<T>(z <= broadcast(low), broadcast(low), z);
    return select<T>(above >= broadcast(high), broadcast(high), above);
}

// What is below `low` becomes `low`.
template <class T>
ROSENBLATT_INLINE Pack<T> at_least(Pack<T> z, T low) noexcept {
    return select<T>(z < broadcast(low), broadcast(low), z);
}

// The slope of leaky_relu below 0 (Maas, Hannun, Ng, ICML 2013), and the numbers of selu, whose fixed point is mean 0
// and variance 1 (Klambauer, Unterthiner, Mayr, Hochreiter, NeurIPS 2017).
constexpr double leak = 0.01;
constexpr double selu_scale = 1.0507009873554805;
constexpr double selu_scale_alpha = 1.7580993408473768;
constexpr double one_sixth = 1.0 / 6.0;

template <class T>
ROSENBLATT_INLINE Pack<T> leaky_relu(Pack<T> z) noexcept {
    return select<T>(z > zero<T>(), z, broadcast(static_cast<T>(leak)) * z);
}

template <class T>
ROSENBLATT_INLINE Pack<T> elu(Pack<T> z) noexcept {
    return select<T>(z > zero<T>(), z, expm1(z));
}

template <class T>
ROSENBLATT_INLINE Pack<T> selu(Pack<T> z) noexcept {
    const Pack<T> above = broadcast(static_cast<T>(selu_scale)) * z;
    return select<T>(z > zero<T>(), above, broadcast(static_cast<T>(selu_scale_alpha)) * expm1(z));
}

// Here e^z is 0 in T, and so are silu and mish.
template <class T>
constexpr T silent = sizeof(T) == 4 ? T{-88} : T{-709};

template <class T>
ROSENBLATT_INLINE Pack<T> gelu(Pack<T> z) noexcept {
    return flush(at_least(z, -Constants<T>::normal_ends) * normal_cdf(z));
}

// The tanh form of gelu is z logistic(v), whose tail does not cancel. Beyond gelu_tanh_ends the logistic is 0 or 1 in
// either type.
constexpr double gelu_tanh_ends = 24;

template <class T>
ROSENBLATT_INLINE Pack<T> gelu_tanh_gate(Pack<T> y) noexcept {
    const Pack<T> cubic = broadcast(static_cast<T>(gelu_cubic));
    return logistic(y * fma(y * y, cubic, broadcast(static_cast<T>(gelu_linear))));
}

template <class T>
ROSENBLATT_INLINE Pack<T> gelu_tanh(Pack<T> z) noexcept {
    const Pack<T> y = at_least(z, static_cast<T>(-gelu_tanh_ends));
    return flush(y * gelu_tanh_gate(y));
}

template <class T>
ROSENBLATT_INLINE Pack<T> silu(Pack<T> z) noexcept {
    return flush(at_least(z, silent<T>) * logistic(z));
}

// tanh(ln(1 + e^y)) = numerator / denominator, from e = e^-|y|, which cannot overflow.
template <class T>
struct MishGate {
    Pack<T> e;
    Pack<T> numerator;
    Pack<T> denominator;
};

template <class T>
ROSENBLATT_INLINE MishGate<T> mish_gate(Pack<T> y) noexcept {
    const Pack<T> one = broadcast(T{1});
    const Mask<T> positive = y >= zero<T>();
    const Pack<T> e = exp(zero<T>() - abs(y));
    const Pack<T> twice = e + e;
    const Pack<T> numerator = select<T>(positive, one + twice, fma(e, e, twice));
    return {e, numerator, select<T>(positive, fma(twice, e, numerator), numerator + broadcast(T{2}))};
}

template <class T>
ROSENBLATT_INLINE Pack<T> mish(Pack<T> z) noexcept {
    const Pack<T> y = at_least(z, silent<T>);
    const MishGate<T> gate = mish_gate(y);
    return flush(y * (gate.numerator / gate.denominator));
}

// 1 + y is y, and y / (1 + y) is 1, from softsign_ends on.
template <class T>
constexpr T softsign_ends = sizeof(T) == 4 ? T{0x1p25} : T{0x1p54};

template <class T>
ROSENBLATT_INLINE Pack<T> softsign(Pack<T> z) noexcept {
    const Pack<T> ends = broadcast(softsign_ends<T>);
    const Pack<T> magnitude = abs(z);
    const Pack<T> y = select<T>(magnitude > ends, ends, magnitude);
    return with_sign(y / (broadcast(T{1}) + y), z);
}

template <class T>
ROSENBLATT_INLINE Pack<T> hard_sigmoid(Pack<T> z) noexcept {
    return clip(z + broadcast(T{3}), T{0}, T{6}) * broadcast(static_cast<T>(one_sixth));  // nothing cancels near -3
}

template <class T>
ROSENBLATT_INLINE Pack<T> step(Pack<T> z) noexcept {
    return select<T>(z > zero<T>(), broadcast(T{1}), relu(z));
}

// ---- f'(z), from z or from a as derivative_from_z says ------------------------------------------------------------

template <class T>
ROSENBLATT_INLINE Pack<T> elu_slope(Pack<T> a) noexcept {
    const Pack<T> one = broadcast(T{1});
    return select<T>(a > zero<T>(), one, a + one);
}

template <class T>
ROSENBLATT_INLINE Pack<T> selu_slope(Pack<T> a) noexcept {
    return select<T>(a > zero<T>(), broadcast(static_cast<T>(selu_scale)),
                     a + broadcast(static_cast<T>(selu_scale_alpha)));
}

// Phi(z) + z phi(z).
template <class T>
ROSENBLATT_INLINE Pack<T> gelu_slope(Pack<T> z) noexcept {
    const Pack<T> y = clip(z, -Constants<T>::normal_ends, Constants<T>::normal_ends);
    const Normal<T> of_y = normal(y);
    return fma(y, of_y.bell * broadcast(static_cast<T>(density_at_0)), of_y.cdf);
}

// s + y s (1 - s) v'(y) for s = logistic(v).
template <class T>
ROSENBLATT_INLINE Pack<T> gelu_tanh_slope(Pack<T> z) noexcept {
    const Pack<T> y = clip(z, static_cast<T>(-gelu_tanh_ends), static_cast<T>(gelu_tanh_ends));
    const Pack<T> s = gelu_tanh_gate(y);
    const Pack<T> by_y = fma(y * y, broadcast(static_cast<T>(3 * gelu_cubic)), broadcast(static_cast<T>(gelu_linear)));
    return fma((y * s) * (broadcast(T{1}) - s), by_y, s);
}

// s + y s (1 - s) for s = logistic(y).
template <class T>
ROSENBLATT_INLINE Pack<T> silu_slope(Pack<T> z) noexcept {
    const Pack<T> y = clip(z, silent<T>, -silent<T>);
    const Pack<T> s = logistic(y);
    return fma(y * s, broadcast(T{1}) - s, s);
}

// t + y (1 - t^2) logistic(y) for t = tanh(ln(1 + e^y)); the product is 4 k (1 + e) / denominator^2.
template <class T>
ROSENBLATT_INLINE Pack<T> mish_slope(Pack<T> z) noexcept {
    const Pack<T> y = clip(z, silent<T>, -silent<T>);
    const auto [e, numerator, denominator] = mish_gate(y);
    const Pack<T> k = select<T>(y >= zero<T>(), e * e, e);
    const Pack<T> steepness = ((broadcast(T{4}) * k) * (broadcast(T{1}) + e)) / (denominator * denominator);
    return fma(y, steepness, numerator / denominator);
}

// 1 - e^-a, which is logistic(z).
template <class T>
ROSENBLATT_INLINE Pack<T> softplus_slope(Pack<T> a) noexcept {
    return zero<T>() - expm1(zero<T>() - a);
}

// (1 - |a|)^2.
template <class T>
ROSENBLATT_INLINE Pack<T> softsign_slope(Pack<T> a) noexcept {
    const Pack<T> t = broadcast(T{1}) - abs(a);
    return t * t;
}

// g where a lies between two ends, 0 at them and beyond.
template <class T>
ROSENBLATT_INLINE Pack<T> between(Pack<T> a, T low, T high, Pack<T> g) noexcept {
    return select<T>((a > broadcast(low)) & (a < broadcast(high)), g, zero<T>());
}

// ---- over the rows of a layer -------------------------------------------------------------------------------------

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
        case Activation::leaky_relu:
            map_rows(Z, A, [](Pack<T> x) { return leaky_relu(x); });
            break;
        case Activation::elu:
            map_rows(Z, A, [](Pack<T> x) { return elu(x); });
            break;
        case Activation::selu:
            map_rows(Z, A, [](Pack<T> x) { return selu(x); });
            break;
        case Activation::gelu:
            map_rows(Z, A, [](Pack<T> x) { return gelu(x); });
            break;
        case Activation::gelu_tanh:
            map_rows(Z, A, [](Pack<T> x) { return gelu_tanh(x); });
            break;
        case Activation::silu:
            map_rows(Z, A, [](Pack<T> x) { return silu(x); });
            break;
        case Activation::mish:
            map_rows(Z, A, [](Pack<T> x) { return mish(x); });
            break;
        case Activation::softplus:
            map_rows(Z, A, [](Pack<T> x) { return softplus(x); });
            break;
        case Activation::softsign:
            map_rows(Z, A, [](Pack<T> x) { return softsign(x); });
            break;
        case Activation::hard_sigmoid:
            map_rows(Z, A, [](Pack<T> x) { return hard_sigmoid(x); });
            break;
        case Activation::hard_tanh:
            map_rows(Z, A, [](Pack<T> x) { return clip(x, T{-1}, T{1}); });
            break;
        case Activation::relu6:
            map_rows(Z, A, [](Pack<T> x) { return clip(x, T{0}, T{6}); });
            break;
        case Activation::sin:
            map_rows(Z, A, [](Pack<T> x) { return sin(x); });
            break;
        case Activation::step:
            map_rows(Z, A, [](Pack<T> x) { return step(x); });
            break;
        case Activation::log_softmax:
            for (std::size_t i = 0; i < Z.rows; ++i) log_softmax_row(Z.row(i), Z.cols, A.row(i));
            break;
        case Activation::custom:  // not the kernels': model/custom_activation.hpp
            break;
    }
}

// dz_j = sum_k dC/da_k da_k/dz_j = a_j (g_j - sum_k g_k a_k); delta holds g, then dC/dz.
template <class T>
ROSENBLATT_INLINE void softmax_backward(const T* a, std::size_t n, T* delta) noexcept {
    T q = 0;
    for (std::size_t k = 0; k < n; ++k) q = fma(delta[k], a[k], q);
    combine(a, n, delta, [q](Pack<T> x, Pack<T> g) { return x * (g - broadcast(q)); });
}

// dz_j = g_j - e^a_j sum_k g_k; delta holds g, then dC/dz.
template <class T>
ROSENBLATT_INLINE void log_softmax_backward(const T* a, std::size_t n, T* delta) noexcept {
    T sum = 0;
    for (std::size_t k = 0; k < n; ++k) sum += delta[k];
    combine(a, n, delta, [sum](Pack<T> x, Pack<T> g) { return fma(zero<T>() - exp(x), broadcast(sum), g); });
}

// Delta = dC/dz from Delta = dC/da: f'(z) written in terms of `From`, which is z or a = f(z) as derivative_from_z(f)
// says.
template <class T>
void activation_backward(Activation f, Matrix<const T> From, Matrix<T> Delta) noexcept {
    if (From.stride == From.cols && Delta.stride == Delta.cols && !acts_on_rows(f)) {
        const std::size_t n = From.rows * From.cols;  // rows that lie one after the other are one long row
        From = {From.data, 1, n, n};
        Delta = {Delta.data, 1, n, n};
    }
    const std::size_t n = From.cols;
    for (std::size_t i = 0; i < From.rows; ++i) {
        const T* const from = From.row(i);
        T* const delta = Delta.row(i);
        const auto times = [&](auto slope) ROSENBLATT_BODY {
            combine(from, n, delta, [=](Pack<T> x, Pack<T> g) { return g * slope(x); });
        };
        switch (f) {
            case Activation::identity:
                break;
            case Activation::logistic:
                times([](Pack<T> a) { return fma(zero<T>() - a, a, a); });
                break;
            case Activation::tanh:
                times([](Pack<T> a) { return fma(zero<T>() - a, a, broadcast(T{1})); });
                break;
            case Activation::relu:
                combine(from, n, delta, [](Pack<T> a, Pack<T> g) { return select<T>(a > zero<T>(), g, zero<T>()); });
                break;
            case Activation::softmax:
                softmax_backward(from, n, delta);
                break;
            case Activation::leaky_relu:
                combine(from, n, delta, [](Pack<T> a, Pack<T> g) {
                    return select<T>(a > zero<T>(), g, g * broadcast(static_cast<T>(leak)));
                });
                break;
            case Activation::elu:
                times([](Pack<T> a) { return elu_slope(a); });
                break;
            case Activation::selu:
                times([](Pack<T> a) { return selu_slope(a); });
                break;
            case Activation::gelu:
                times([](Pack<T> z) { return gelu_slope(z); });
                break;
            case Activation::gelu_tanh:
                times([](Pack<T> z) { return gelu_tanh_slope(z); });
                break;
            case Activation::silu:
                times([](Pack<T> z) { return silu_slope(z); });
                break;
            case Activation::mish:
                times([](Pack<T> z) { return mish_slope(z); });
                break;
            case Activation::softplus:
                times([](Pack<T> a) { return softplus_slope(a); });
                break;
            case Activation::softsign:
                times([](Pack<T> a) { return softsign_slope(a); });
                break;
            case Activation::hard_sigmoid:
                combine(from, n, delta, [](Pack<T> a, Pack<T> g) {
                    return between(a, T{0}, T{1}, g * broadcast(static_cast<T>(one_sixth)));
                });
                break;
            case Activation::hard_tanh:
                combine(from, n, delta, [](Pack<T> a, Pack<T> g) { return between(a, T{-1}, T{1}, g); });
                break;
            case Activation::relu6:
                combine(from, n, delta, [](Pack<T> a, Pack<T> g) { return between(a, T{0}, T{6}, g); });
                break;
            case Activation::sin:
                times([](Pack<T> z) { return cos(z); });
                break;
            case Activation::step:
                map(from, n, delta, [](Pack<T>) { return zero<T>(); });
                break;
            case Activation::log_softmax:
                log_softmax_backward(from, n, delta);
                break;
            case Activation::custom:
                break;
        }
    }
}

}  // namespace
}  // namespace rosenblatt
