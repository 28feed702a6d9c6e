// Activations: one struct each with f, f' and f'', and what runs them over the rows of a layer (docs/arithmetic.md,
// sections 3 and 7).
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

// The largest of n >= 1 numbers. It does not depend on the order, except with a NaN, which gives a NaN further on.
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

template <class T>
ROSENBLATT_INLINE T first_lane(Pack<T> x) noexcept {
    T lane[Pack<T>::width];
    store(lane, x);
    return lane[0];
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

// ---- what several activations share ---------------------------------------------------------------------------------

template <class T>
ROSENBLATT_INLINE Pack<T> relu(Pack<T> z) noexcept {
    return select<T>(z <= zero<T>(), zero<T>(), z);
}

// z within low ... high; a NaN stays a NaN.
template <class T>
ROSENBLATT_INLINE Pack<T> clip(Pack<T> z, T low, T high) noexcept {
    const Pack<T> above = select<T>(z <= broadcast(low), broadcast(low), z);
    return select<T>(above >= broadcast(high), broadcast(high), above);
}

// The larger of z and `low`; a NaN stays a NaN.
template <class T>
ROSENBLATT_INLINE Pack<T> at_least(Pack<T> z, T low) noexcept {
    return select<T>(z < broadcast(low), broadcast(low), z);
}

// g for low < a < high, else 0.
template <class T>
ROSENBLATT_INLINE Pack<T> between(Pack<T> a, T low, T high, Pack<T> g) noexcept {
    return select<T>((a > broadcast(low)) & (a < broadcast(high)), g, zero<T>());
}

template <class T>
ROSENBLATT_INLINE Pack<T> negative(Pack<T> x) noexcept {
    return broadcast(T{-1}) * x;  // 0 - x would lose the sign of a zero
}

// e^z is 0 in T from here down, and so are silu and mish.
template <class T>
constexpr T silent = sizeof(T) == 4 ? T{-88} : T{-709};

// The range of z in which f'' of the smooth activations is not 0 in either type.
template <class T>
ROSENBLATT_INLINE Pack<T> not_flat(Pack<T> z) noexcept {
    constexpr T flat = 1000;
    return clip(z, -flat, flat);
}

// ---- one struct for each row of activations.def ---------------------------------------------------------------------
// value(z) is f(z). slope(x) is f'(z), from x = z or a as the row says; backward(x, g) replaces g slope(x) if that can
// be cheaper. slope_along(x, R_x) is R{f'(z)}, the change of f' along a direction in which x changes by R_x; without it
// f' is constant on each side of its jumps. An activation of rows has activate_row, backward_row and slope_along_row.

template <Activation f>
struct ActivationOf;

template <>
struct ActivationOf<Activation::identity> {
    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        return z;
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> backward(Pack<T>, Pack<T> g) noexcept {
        return g;
    }
};

template <>
struct ActivationOf<Activation::logistic> {
    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        return logistic(z);
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope(Pack<T> a) noexcept {
        return fma(zero<T>() - a, a, a);
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope_along(Pack<T> a, Pack<T> R_a) noexcept {
        return fma(broadcast(T{-2}), a, broadcast(T{1})) * R_a;
    }
};

template <>
struct ActivationOf<Activation::tanh> {
    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        return tanh(z);
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope(Pack<T> a) noexcept {
        return fma(zero<T>() - a, a, broadcast(T{1}));
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope_along(Pack<T> a, Pack<T> R_a) noexcept {
        return (broadcast(T{-2}) * a) * R_a;
    }
};

template <>
struct ActivationOf<Activation::relu> {
    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        return relu(z);
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> backward(Pack<T> a, Pack<T> g) noexcept {
        return select<T>(a > zero<T>(), g, zero<T>());
    }
};

// Maas, Hannun, Ng, ICML 2013.
template <>
struct ActivationOf<Activation::leaky_relu> {
    static constexpr double leak = 0.01;

    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        return select<T>(z > zero<T>(), z, broadcast(static_cast<T>(leak)) * z);
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> backward(Pack<T> a, Pack<T> g) noexcept {
        return select<T>(a > zero<T>(), g, g * broadcast(static_cast<T>(leak)));
    }
};

template <>
struct ActivationOf<Activation::elu> {
    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        return select<T>(z > zero<T>(), z, expm1(z));
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope(Pack<T> a) noexcept {
        const Pack<T> one = broadcast(T{1});
        return select<T>(a > zero<T>(), one, a + one);
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope_along(Pack<T> a, Pack<T> R_a) noexcept {
        return select<T>(a > zero<T>(), zero<T>(), R_a);
    }
};

// max(0, z) + min(0, alpha (e^(z / alpha) - 1)) with alpha = 1, which is elu. Source: Barron, arXiv 1704.07483, 2017.
template <>
struct ActivationOf<Activation::celu> : ActivationOf<Activation::elu> {};

// Its fixed point is mean 0 and variance 1 (Klambauer, Unterthiner, Mayr, Hochreiter, NeurIPS 2017).
template <>
struct ActivationOf<Activation::selu> {
    static constexpr double scale = 1.0507009873554805;
    static constexpr double scale_alpha = 1.7580993408473768;

    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        const Pack<T> above = broadcast(static_cast<T>(scale)) * z;
        return select<T>(z > zero<T>(), above, broadcast(static_cast<T>(scale_alpha)) * expm1(z));
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope(Pack<T> a) noexcept {
        return select<T>(a > zero<T>(), broadcast(static_cast<T>(scale)), a + broadcast(static_cast<T>(scale_alpha)));
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope_along(Pack<T> a, Pack<T> R_a) noexcept {
        return ActivationOf<Activation::elu>::slope_along(a, R_a);
    }
};

// z Phi(z) (Hendrycks, Gimpel, 2016), with the normal density phi.
template <>
struct ActivationOf<Activation::gelu> {
    static constexpr double density_at_0 = 0.3989422804014327;  // 1 / sqrt(2 pi)

    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        return flush(at_least(z, -Constants<T>::normal_ends) * normal_cdf(z));
    }
    // Phi(z) + z phi(z).
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope(Pack<T> z) noexcept {
        const Pack<T> y = clip(z, -Constants<T>::normal_ends, Constants<T>::normal_ends);
        const Normal<T> of_y = normal(y);
        return fma(y, of_y.bell * broadcast(static_cast<T>(density_at_0)), of_y.cdf);
    }
    // phi(z) (2 - z^2).
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope_along(Pack<T> z, Pack<T> R_z) noexcept {
        const Pack<T> y = not_flat(z);
        const Pack<T> density = exp((broadcast(T{-0.5}) * y) * y) * broadcast(static_cast<T>(density_at_0));
        return (density * fma(negative(y), y, broadcast(T{2}))) * R_z;
    }
};

// The tanh form of gelu: z s with s = logistic(v(z)), v(z) = 2 sqrt(2 / pi) (z + 0.044715 z^3), whose tail does not
// cancel.
template <>
struct ActivationOf<Activation::gelu_tanh> {
    static constexpr double linear = 1.5957691216057308;
    static constexpr double cubic = 0.07135481627260025;
    static constexpr double ends = 24;  // from here on s is 0 or 1 in either type

    template <class T>
    ROSENBLATT_INLINE static Pack<T> gate(Pack<T> y) noexcept {
        return logistic(y * fma(y * y, broadcast(static_cast<T>(cubic)), broadcast(static_cast<T>(linear))));
    }
    // v'(y), from y^2.
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope_of_v(Pack<T> square) noexcept {
        return fma(square, broadcast(static_cast<T>(3 * cubic)), broadcast(static_cast<T>(linear)));
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        const Pack<T> y = at_least(z, static_cast<T>(-ends));
        return flush(y * gate(y));
    }
    // s + y s (1 - s) v'(y).
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope(Pack<T> z) noexcept {
        const Pack<T> y = clip(z, static_cast<T>(-ends), static_cast<T>(ends));
        const Pack<T> s = gate(y);
        return fma((y * s) * (broadcast(T{1}) - s), slope_of_v(y * y), s);
    }
    // s' (2 v' + z ((1 - 2 s) v'^2 + v'')) with s' = s (1 - s).
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope_along(Pack<T> z, Pack<T> R_z) noexcept {
        const Pack<T> y = not_flat(z);
        const Pack<T> one = broadcast(T{1});
        const Pack<T> s = gate(y);
        const Pack<T> v_1 = slope_of_v(y * y);
        const Pack<T> v_2 = broadcast(static_cast<T>(6 * cubic)) * y;
        const Pack<T> inner = fma(fma(broadcast(T{-2}), s, one) * v_1, v_1, v_2);
        return ((s * (one - s)) * fma(y, inner, broadcast(T{2}) * v_1)) * R_z;
    }
};

// z s with s = logistic(z) (Elfwing, Uchibe, Doya, 2017).
template <>
struct ActivationOf<Activation::silu> {
    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        return flush(at_least(z, silent<T>) * logistic(z));
    }
    // s + y s (1 - s).
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope(Pack<T> z) noexcept {
        const Pack<T> y = clip(z, silent<T>, -silent<T>);
        const Pack<T> s = logistic(y);
        return fma(y * s, broadcast(T{1}) - s, s);
    }
    // s (1 - s) (2 + z (1 - 2 s)).
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope_along(Pack<T> z, Pack<T> R_z) noexcept {
        const Pack<T> y = not_flat(z);
        const Pack<T> one = broadcast(T{1});
        const Pack<T> s = logistic(y);
        return ((s * (one - s)) * fma(y, fma(broadcast(T{-2}), s, one), broadcast(T{2}))) * R_z;
    }
};

// z t with t = tanh(ln(1 + e^z)) (Misra, BMVC 2020).
template <>
struct ActivationOf<Activation::mish> {
    // t = numerator / denominator, from e = e^-|y|, which cannot overflow; t' = 4 k (1 + e) / denominator^2.
    template <class T>
    struct Gate {
        Pack<T> e;
        Pack<T> numerator;
        Pack<T> denominator;
        Pack<T> slope;
    };
    template <class T>
    ROSENBLATT_INLINE static Gate<T> gate(Pack<T> y) noexcept {
        const Pack<T> one = broadcast(T{1});
        const Mask<T> positive = y >= zero<T>();
        const Pack<T> e = exp(zero<T>() - abs(y));
        const Pack<T> twice = e + e;
        const Pack<T> numerator = select<T>(positive, one + twice, fma(e, e, twice));
        const Pack<T> denominator = select<T>(positive, fma(twice, e, numerator), numerator + broadcast(T{2}));
        const Pack<T> k = select<T>(positive, e * e, e);
        return {e, numerator, denominator, ((broadcast(T{4}) * k) * (one + e)) / (denominator * denominator)};
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        const Pack<T> y = at_least(z, silent<T>);
        const Gate<T> t = gate(y);
        return flush(y * (t.numerator / t.denominator));
    }
    // t + y t'.
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope(Pack<T> z) noexcept {
        const Pack<T> y = clip(z, silent<T>, -silent<T>);
        const Gate<T> t = gate(y);
        return fma(y, t.slope, t.numerator / t.denominator);
    }
    // t' (2 + z ((1 - s) - 2 t s)) with s = logistic(z).
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope_along(Pack<T> z, Pack<T> R_z) noexcept {
        const Pack<T> y = not_flat(z);
        const Gate<T> t = gate(y);
        const Pack<T> s = logistic(y);
        const Pack<T> inner = fma(broadcast(T{-2}) * (t.numerator / t.denominator), s, broadcast(T{1}) - s);
        return (t.slope * fma(y, inner, broadcast(T{2}))) * R_z;
    }
};

template <>
struct ActivationOf<Activation::softplus> {
    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        return softplus(z);
    }
    // 1 - e^-a, which is logistic(z).
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope(Pack<T> a) noexcept {
        return zero<T>() - expm1(zero<T>() - a);
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope_along(Pack<T> a, Pack<T> R_a) noexcept {
        return exp(negative(a)) * R_a;
    }
};

// z / (1 + |z|).
template <>
struct ActivationOf<Activation::softsign> {
    // From here on 1 + y is y, and y / (1 + y) is 1.
    template <class T>
    static constexpr T ends = sizeof(T) == 4 ? T{0x1p25} : T{0x1p54};

    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        const Pack<T> magnitude = abs(z);
        const Pack<T> y = select<T>(magnitude > broadcast(ends<T>), broadcast(ends<T>), magnitude);
        return with_sign(y / (broadcast(T{1}) + y), z);
    }
    // (1 - |a|)^2.
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope(Pack<T> a) noexcept {
        const Pack<T> t = broadcast(T{1}) - abs(a);
        return t * t;
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope_along(Pack<T> a, Pack<T> R_a) noexcept {
        const Pack<T> steepness = broadcast(T{-2}) * (broadcast(T{1}) - abs(a));
        return select<T>(a > zero<T>(), steepness, negative(steepness)) * R_a;
    }
};

template <>
struct ActivationOf<Activation::hard_sigmoid> {
    static constexpr double one_sixth = 1.0 / 6.0;

    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        return clip(z + broadcast(T{3}), T{0}, T{6}) * broadcast(static_cast<T>(one_sixth));  // nothing cancels near -3
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> backward(Pack<T> a, Pack<T> g) noexcept {
        return between(a, T{0}, T{1}, g * broadcast(static_cast<T>(one_sixth)));
    }
};

template <>
struct ActivationOf<Activation::hard_tanh> {
    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        return clip(z, T{-1}, T{1});
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> backward(Pack<T> a, Pack<T> g) noexcept {
        return between(a, T{-1}, T{1}, g);
    }
};

template <>
struct ActivationOf<Activation::relu6> {
    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        return clip(z, T{0}, T{6});
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> backward(Pack<T> a, Pack<T> g) noexcept {
        return between(a, T{0}, T{6}, g);
    }
};

template <>
struct ActivationOf<Activation::sin> {
    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        return sin(z);
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope(Pack<T> z) noexcept {
        return cos(z);
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> slope_along(Pack<T> z, Pack<T> R_z) noexcept {
        return negative(sin(z)) * R_z;
    }
};

// The Heaviside function.
template <>
struct ActivationOf<Activation::step> {
    template <class T>
    ROSENBLATT_INLINE static Pack<T> value(Pack<T> z) noexcept {
        return select<T>(z > zero<T>(), broadcast(T{1}), relu(z));
    }
    template <class T>
    ROSENBLATT_INLINE static Pack<T> backward(Pack<T>, Pack<T>) noexcept {
        return zero<T>();
    }
};

template <>
struct ActivationOf<Activation::softmax> {
    template <class T>
    ROSENBLATT_INLINE static void activate_row(const T* z, std::size_t n, T* a) noexcept {
        divide_row(a, n, exp_row(z, n, largest(z, n), a));
    }
    // dz_j = sum_k dC/da_k da_k/dz_j = a_j (g_j - sum_k g_k a_k); delta holds g, then dC/dz.
    template <class T>
    ROSENBLATT_INLINE static void backward_row(const T* a, std::size_t n, T* delta) noexcept {
        T q = 0;
        for (std::size_t k = 0; k < n; ++k) q = fma(delta[k], a[k], q);
        combine(a, n, delta, [q](Pack<T> x, Pack<T> g) { return x * (g - broadcast(q)); });
    }
    // R{a_j (g_j - q)} = ... + R{a_j} (g_j - q) - a_j p with q = sum_i g_i a_i, p = sum_i g_i R{a_i}.
    template <class T>
    ROSENBLATT_INLINE static void slope_along_row(const T* a, const T* R_a, const T* g, std::size_t n,
                                                  T* R_delta) noexcept {
        T q = 0;
        T p = 0;
        for (std::size_t j = 0; j < n; ++j) {
            q = fma(g[j], a[j], q);
            p = fma(g[j], R_a[j], p);
        }
        for (std::size_t j = 0; j < n; ++j) R_delta[j] += fma(-a[j], p, R_a[j] * (g[j] - q));
    }
};

template <>
struct ActivationOf<Activation::log_softmax> {
    // a_j = z_j - m - ln S, with S the sum of e^(z_j - m) in index order. a may be z.
    template <class T>
    ROSENBLATT_INLINE static void activate_row(const T* z, std::size_t n, T* a) noexcept {
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
    // dz_j = g_j - e^a_j sum_k g_k; delta holds g, then dC/dz.
    template <class T>
    ROSENBLATT_INLINE static void backward_row(const T* a, std::size_t n, T* delta) noexcept {
        T sum = 0;
        for (std::size_t k = 0; k < n; ++k) sum += delta[k];
        combine(a, n, delta, [sum](Pack<T> x, Pack<T> g) { return fma(zero<T>() - exp(x), broadcast(sum), g); });
    }
    // R{g_j - p_j sum_i g_i} = ... - R{p_j} sum_i g_i with p = e^a, R{p_j} = p_j R{a_j}.
    template <class T>
    ROSENBLATT_INLINE static void slope_along_row(const T* a, const T* R_a, const T* g, std::size_t n,
                                                  T* R_delta) noexcept {
        T sum = 0;
        for (std::size_t j = 0; j < n; ++j) sum += g[j];
        for (std::size_t j = 0; j < n; ++j) R_delta[j] += -((first_lane(exp(broadcast(a[j]))) * R_a[j]) * sum);
    }
};

// use(ActivationOf<f>{}) for the f of activations.def, nothing for a custom one (model/custom_activation.hpp).
template <class F>
ROSENBLATT_INLINE void with_activation(Activation f, F use) noexcept {
    switch (f) {
#define ROSENBLATT_ACTIVATION(name, from, takes, initialiser) \
    case Activation::name:                                    \
        return use(ActivationOf<Activation::name>{});
#include "kernels/activations.def"
        case Activation::custom:
            return;
    }
}

// ---- over the rows of a layer ---------------------------------------------------------------------------------------

// A matrix without gaps between its rows as one long row.
template <class T>
ROSENBLATT_INLINE Matrix<T> as_one_row(Matrix<T> m) noexcept {
    return {m.data, 1, m.rows * m.cols, m.rows * m.cols};
}

// A = f(Z); A may be Z.
template <class T>
void activate(Activation f, Matrix<const T> Z, Matrix<T> A) noexcept {
    if (f == Activation::identity && A.data == Z.data) return;
    if (Z.stride == Z.cols && A.stride == A.cols && !acts_on_rows(f)) {
        Z = as_one_row(Z);
        A = as_one_row(A);
    }
    with_activation(f, [&](auto f_) ROSENBLATT_BODY {
        for (std::size_t i = 0; i < Z.rows; ++i) {
            if constexpr (requires { f_.value(Pack<T>{}); })
                map(Z.row(i), Z.cols, A.row(i), [=](Pack<T> z) ROSENBLATT_BODY { return f_.value(z); });
            else f_.activate_row(Z.row(i), Z.cols, A.row(i));
        }
    });
}

// Delta = dC/dz from Delta = dC/da, with f' computed from `From`, which is z or a as derivative_from_z(f) says.
template <class T>
void activation_backward(Activation f, Matrix<const T> From, Matrix<T> Delta) noexcept {
    if (f == Activation::identity) return;
    if (From.stride == From.cols && Delta.stride == Delta.cols && !acts_on_rows(f)) {
        From = as_one_row(From);
        Delta = as_one_row(Delta);
    }
    const std::size_t n = From.cols;
    with_activation(f, [&](auto f_) ROSENBLATT_BODY {
        for (std::size_t i = 0; i < From.rows; ++i) {
            const auto over = [&](auto times_slope)
                                  ROSENBLATT_BODY { combine(From.row(i), n, Delta.row(i), times_slope); };
            if constexpr (requires { f_.backward(Pack<T>{}, Pack<T>{}); })
                over([=](Pack<T> x, Pack<T> g) ROSENBLATT_BODY { return f_.backward(x, g); });
            else if constexpr (requires { f_.slope(Pack<T>{}); })
                over([=](Pack<T> x, Pack<T> g) ROSENBLATT_BODY { return g * f_.slope(x); });
            else f_.backward_row(From.row(i), n, Delta.row(i));
        }
    });
}

// R_Delta += G R{f'(z)}, from X and R{X}, which are z or a as derivative_from_z(f) says.
template <class T>
void add_slope_along(Activation f, Matrix<const T> X, Matrix<const T> R_X, Matrix<const T> G,
                     Matrix<T> R_Delta) noexcept {
    const std::size_t n = X.cols;
    with_activation(f, [&](auto f_) ROSENBLATT_BODY {
        for (std::size_t i = 0; i < X.rows; ++i) {
            const T* const x = X.row(i);
            const T* const R_x = R_X.row(i);
            const T* const g = G.row(i);
            T* const R_delta = R_Delta.row(i);
            if constexpr (requires { f_.slope_along_row(x, R_x, g, n, R_delta); }) {
                f_.slope_along_row(x, R_x, g, n, R_delta);
            } else if constexpr (requires { f_.slope_along(Pack<T>{}, Pack<T>{}); }) {
                constexpr std::size_t width = Pack<T>::width;
                for (std::size_t j = 0; j < n; j += width) {
                    const std::size_t lanes = n - j < width ? n - j : width;
                    const Pack<T> change = f_.slope_along(load(x + j, lanes), load(R_x + j, lanes));
                    store(R_delta + j, load(R_delta + j, lanes) + load(g + j, lanes) * change, lanes);
                }
            } else {
                map(R_delta, n, R_delta, [](Pack<T> R) { return R + zero<T>(); });  // -0 becomes 0
            }
        }
    });
}

}  // namespace
}  // namespace rosenblatt
