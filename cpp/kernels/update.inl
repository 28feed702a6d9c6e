// The step, w := w - epsilon dC/dw and what other rules make of a gradient; what is done to the gradient before it and
// to the weights after it (docs/arithmetic.md, section 5).
#pragma once

#include "kernels/activation.inl"
#include "kernels/table.hpp"
#include "simd/math.hpp"
#include "simd/pack.hpp"
#include "simd/unrolled.hpp"

namespace rosenblatt {
namespace {

// Each rule has its numbers in registers and computes the new weight w from its gradient dw, its states s, which it
// updates, and w itself.

template <class T>
struct Descent {
    static constexpr std::size_t n_states = 0;
    Pack<T> descent;  // -epsilon
    ROSENBLATT_INLINE explicit Descent(T rate) noexcept : descent(broadcast(-rate)) {}
    ROSENBLATT_INLINE explicit Descent(const UpdateRule<T>& rule) noexcept : Descent(rule.rate) {}
    ROSENBLATT_INLINE Pack<T> operator()(Pack<T> dw, Pack<T>*, Pack<T> w) const noexcept { return fma(descent, dw, w); }
};

// Sources: momentum, Polyak 1964; nesterov as in Sutskever, Martens, Dahl, Hinton, ICML 2013.
template <class T, bool nesterov>
struct Momentum {
    static constexpr std::size_t n_states = 1;
    Pack<T> descent;
    Pack<T> momentum;
    explicit Momentum(const UpdateRule<T>& rule) noexcept
        : descent(broadcast(-rule.rate)), momentum(broadcast(rule.momentum)) {}
    ROSENBLATT_INLINE Pack<T> operator()(Pack<T> dw, Pack<T>* s, Pack<T> w) const noexcept {
        s[0] = fma(descent, dw, momentum * s[0]);
        return w + (nesterov ? fma(descent, dw, momentum * s[0]) : s[0]);
    }
};

// Source: Duchi, Hazan, Singer, JMLR 12, 2011.
template <class T>
struct Adagrad {
    static constexpr std::size_t n_states = 1;
    Pack<T> descent;
    Pack<T> eps;
    explicit Adagrad(const UpdateRule<T>& rule) noexcept : descent(broadcast(-rule.rate)), eps(broadcast(rule.eps)) {}
    ROSENBLATT_INLINE Pack<T> operator()(Pack<T> dw, Pack<T>* s, Pack<T> w) const noexcept {
        s[0] = fma(dw, dw, s[0]);
        return fma(descent, dw / (sqrt(s[0]) + eps), w);
    }
};

// mean = beta mean + (1 - beta) x, with x passed as (1 - beta) x or as one of its factors. A mean that decays to a
// subnormal number becomes 0: it would stay subnormal, and processors are slow with such numbers.
template <class T>
ROSENBLATT_INLINE Pack<T> moving_mean(Pack<T> beta, Pack<T> mean, Pack<T> x) noexcept {
    return flush(fma(beta, mean, x));
}
template <class T>
ROSENBLATT_INLINE Pack<T> moving_mean_square(Pack<T> beta, Pack<T> rest, Pack<T> mean, Pack<T> x) noexcept {
    return flush(fma(rest * x, x, beta * mean));
}

// Source: Tieleman, Hinton, Coursera lecture 6.5, 2012; centered: Graves, arXiv 1308.0850, 2013.
template <class T, bool centered, bool moving>
struct Rmsprop {
    static constexpr std::size_t n_states = 1 + centered + moving;
    Pack<T> descent;
    Pack<T> beta;
    Pack<T> rest;
    Pack<T> momentum;
    Pack<T> eps;
    explicit Rmsprop(const UpdateRule<T>& rule) noexcept
        : descent(broadcast(-rule.rate)),
          beta(broadcast(rule.beta2)),
          rest(broadcast(rule.rest2)),
          momentum(broadcast(rule.momentum)),
          eps(broadcast(rule.eps)) {}
    ROSENBLATT_INLINE Pack<T> operator()(Pack<T> dw, Pack<T>* s, Pack<T> w) const noexcept {
        s[0] = moving_mean_square(beta, rest, s[0], dw);
        Pack<T> square = s[0];
        if constexpr (centered) {
            s[1] = moving_mean(beta, s[1], rest * dw);
            square = fma(zero<T>() - s[1], s[1], square);
            square = select<T>(square < zero<T>(), zero<T>(), square);
        }
        const Pack<T> q = dw / (sqrt(square) + eps);
        if constexpr (moving) {
            Pack<T>& v = s[1 + centered];
            v = moving_mean(momentum, v, q);
            return fma(descent, v, w);
        } else {
            return fma(descent, q, w);
        }
    }
};

// Source: Zeiler, arXiv 1212.5701, 2012.
template <class T>
struct Adadelta {
    static constexpr std::size_t n_states = 2;
    Pack<T> descent;
    Pack<T> beta;
    Pack<T> rest;
    Pack<T> eps;
    explicit Adadelta(const UpdateRule<T>& rule) noexcept
        : descent(broadcast(-rule.rate)),
          beta(broadcast(rule.beta2)),
          rest(broadcast(rule.rest2)),
          eps(broadcast(rule.eps)) {}
    ROSENBLATT_INLINE Pack<T> operator()(Pack<T> dw, Pack<T>* s, Pack<T> w) const noexcept {
        s[0] = moving_mean_square(beta, rest, s[0], dw);
        const Pack<T> q = sqrt(s[1] + eps) / sqrt(s[0] + eps) * dw;
        s[1] = moving_mean_square(beta, rest, s[1], q);
        return fma(descent, q, w);
    }
};

// Source: Kingma, Ba, ICLR 2015; amsgrad: Reddi, Kale, Kumar, ICLR 2018; decay: Loshchilov, Hutter, ICLR 2019.
template <class T, bool amsgrad>
struct Adam {
    static constexpr std::size_t n_states = 2 + amsgrad;
    Pack<T> descent;
    Pack<T> loss;
    Pack<T> beta1;
    Pack<T> rest1;
    Pack<T> beta2;
    Pack<T> rest2;
    Pack<T> correction;
    Pack<T> eps;
    explicit Adam(const UpdateRule<T>& rule) noexcept
        : descent(broadcast(-rule.rate)),
          loss(broadcast(-rule.decay)),
          beta1(broadcast(rule.beta1)),
          rest1(broadcast(rule.rest1)),
          beta2(broadcast(rule.beta2)),
          rest2(broadcast(rule.rest2)),
          correction(broadcast(rule.correction)),
          eps(broadcast(rule.eps)) {}
    ROSENBLATT_INLINE Pack<T> operator()(Pack<T> dw, Pack<T>* s, Pack<T> w) const noexcept {
        s[0] = moving_mean(beta1, s[0], rest1 * dw);
        s[1] = moving_mean_square(beta2, rest2, s[1], dw);
        if constexpr (amsgrad) s[2] = select<T>(s[1] > s[2], s[1], s[2]);
        const Pack<T> d = fma(sqrt(s[1 + amsgrad]), correction, eps);
        return fma(descent, s[0] / d, fma(loss, w, w));
    }
};

// Source: Dozat, ICLR workshop, 2016.
template <class T>
struct Nadam {
    static constexpr std::size_t n_states = 2;
    Pack<T> rate;
    Pack<T> direct;
    Pack<T> beta1;
    Pack<T> rest1;
    Pack<T> beta2;
    Pack<T> rest2;
    Pack<T> correction;
    Pack<T> eps;
    explicit Nadam(const UpdateRule<T>& rule) noexcept
        : rate(broadcast(rule.rate)),
          direct(broadcast(rule.direct)),
          beta1(broadcast(rule.beta1)),
          rest1(broadcast(rule.rest1)),
          beta2(broadcast(rule.beta2)),
          rest2(broadcast(rule.rest2)),
          correction(broadcast(rule.correction)),
          eps(broadcast(rule.eps)) {}
    ROSENBLATT_INLINE Pack<T> operator()(Pack<T> dw, Pack<T>* s, Pack<T> w) const noexcept {
        s[0] = moving_mean(beta1, s[0], rest1 * dw);
        s[1] = moving_mean_square(beta2, rest2, s[1], dw);
        const Pack<T> d = fma(sqrt(s[1]), correction, eps);
        return w - fma(direct, dw, rate * s[0]) / d;
    }
};

// Source: Chen and others, Symbolic discovery of optimization algorithms, NeurIPS 2023.
template <class T>
struct Lion {
    static constexpr std::size_t n_states = 1;
    Pack<T> descent;
    Pack<T> loss;
    Pack<T> beta1;
    Pack<T> rest1;
    Pack<T> beta2;
    Pack<T> rest2;
    explicit Lion(const UpdateRule<T>& rule) noexcept
        : descent(broadcast(-rule.rate)),
          loss(broadcast(-rule.decay)),
          beta1(broadcast(rule.beta1)),
          rest1(broadcast(rule.rest1)),
          beta2(broadcast(rule.beta2)),
          rest2(broadcast(rule.rest2)) {}
    ROSENBLATT_INLINE Pack<T> operator()(Pack<T> dw, Pack<T>* s, Pack<T> w) const noexcept {
        const Pack<T> c = fma(beta1, s[0], rest1 * dw);
        s[0] = moving_mean(beta2, s[0], rest2 * dw);
        return fma(descent, sign(c), fma(loss, w, w));
    }
};

// Source: Riedmiller, Braun, IEEE International Conference on Neural Networks, 1993; without weight backtracking.
template <class T>
struct Rprop {
    static constexpr std::size_t n_states = 2;
    Pack<T> shrink;
    Pack<T> grow;
    Pack<T> smallest;
    Pack<T> largest;
    explicit Rprop(const UpdateRule<T>& rule) noexcept
        : shrink(broadcast(rule.shrink)),
          grow(broadcast(rule.grow)),
          smallest(broadcast(rule.smallest)),
          largest(broadcast(rule.largest)) {}
    ROSENBLATT_INLINE Pack<T> operator()(Pack<T> dw, Pack<T>* s, Pack<T> w) const noexcept {
        const Pack<T> direction = sign(dw);
        const Pack<T> agreement = direction * s[0];
        Pack<T> size = select<T>(agreement > zero<T>(), s[1] * grow, s[1]);
        size = select<T>(agreement < zero<T>(), s[1] * shrink, size);
        size = select<T>(size < smallest, smallest, size);
        s[1] = select<T>(size > largest, largest, size);
        s[0] = select<T>(agreement < zero<T>(), zero<T>(), direction);
        return fma(zero<T>() - s[0], s[1], w);
    }
};

// f(rule) with the rule's numbers in registers: chosen once, and not for every parameter.
template <class T, class F>
ROSENBLATT_INLINE void with_rule(const UpdateRule<T>& rule, F f) noexcept {
    switch (rule.rule) {
#define ROSENBLATT_RULE(name, states, ...)                            \
    case Rule::name: {                                                \
        static_assert(__VA_ARGS__::n_states == n_states(Rule::name)); \
        return f(__VA_ARGS__(rule));                                  \
    }
#include "kernels/rules.def"
    }
}

// n parameters w with their gradients and states, a register after the other.
template <class T, class R>
ROSENBLATT_INLINE void take_steps(const R& rule, const T* dw, std::size_t n, const States<T>& states, T* w) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    const auto at = [&](std::size_t i, auto get, auto put) ROSENBLATT_BODY {
        Pack<T> s[max_states];
        unrolled<R::n_states>([&](auto k) ROSENBLATT_BODY { s[k] = get(states.of[k] + i); });
        put(w + i, rule(get(dw + i), s, get(w + i)));
        unrolled<R::n_states>([&](auto k) ROSENBLATT_BODY { put(states.of[k] + i, s[k]); });
    };
    std::size_t i = 0;
    for (; i + width <= n; i += width)
        at(
            i, [](const T* from) ROSENBLATT_BODY { return load(from); },
            [](T* to, Pack<T> x) ROSENBLATT_BODY { store(to, x); });
    if (i == n) return;
    const std::size_t rest = n - i;
    at(
        i, [rest](const T* from) ROSENBLATT_BODY { return load(from, rest); },
        [rest](T* to, Pack<T> x) ROSENBLATT_BODY { store(to, x, rest); });
}

template <class T>
void update(const UpdateRule<T>& rule, const T* dw, std::size_t n, const States<T>& states, T* w) noexcept {
    with_rule(rule, [&](const auto& rule_of) ROSENBLATT_BODY { take_steps(rule_of, dw, n, states, w); });
}

// y := y + a x over n numbers.
template <class T>
void axpy(T a, const T* x, std::size_t n, T* y) noexcept {
    const Pack<T> factor = broadcast(a);
    combine(x, n, y, [&](Pack<T> from, Pack<T> to) ROSENBLATT_BODY { return fma(factor, from, to); });
}

// dw := dw + l2 w + l1 sign(w): the gradient of l1 sum |w| + l2 / 2 sum w^2 is added.
template <class T>
void penalise(T l1, T l2, const T* w, std::size_t n, T* dw) noexcept {
    const Pack<T> first = broadcast(l1);
    const Pack<T> second = broadcast(l2);
    combine(w, n, dw, [&](Pack<T> x, Pack<T> g) ROSENBLATT_BODY { return fma(first, sign(x), fma(second, x, g)); });
}

// dw := scale dw, within -limit ... limit.
template <class T>
void clip(T scale, T limit, std::size_t n, T* dw) noexcept {
    const Pack<T> factor = broadcast(scale);
    const Pack<T> most = broadcast(limit);
    const Pack<T> least = broadcast(-limit);
    map(dw, n, dw, [&](Pack<T> g) ROSENBLATT_BODY {
        g = factor * g;
        g = select<T>(g > most, most, g);
        return select<T>(g < least, least, g);  // a NaN stays
    });
}

// The gradients of n weights w as their penalties and the limit leave them.
template <class T>
ROSENBLATT_INLINE void adjust(const Adjustment<T>& adjustment, const T* w, std::size_t n, T* dw) noexcept {
    if (adjustment.penalises) penalise(adjustment.l1, adjustment.l2, w, n, dw);
    if (adjustment.limits) clip(T{1}, adjustment.limit, n, dw);
}

// mean := mean + rest (w - mean)
template <class T>
void average(T rest, const T* w, std::size_t n, T* mean) noexcept {
    const Pack<T> part = broadcast(rest);
    combine(w, n, mean, [&](Pack<T> x, Pack<T> m) ROSENBLATT_BODY { return fma(part, x - m, m); });
}

// s[j] := s[j] + A[0][j] B[0][j] + A[1][j] B[1][j] + ..., a chain in float64. A, B (rows, cols), s (cols,).
template <class T>
void sum_products(Panels<const T> A, Panels<const T> B, double* s) noexcept {
    constexpr std::size_t panel = panel_cols<T>;
    for (std::size_t first = 0; first < A.cols; first += panel) {
        const std::size_t cols = A.cols - first < panel ? A.cols - first : panel;
        double sum[panel] = {};
        for (std::size_t j = 0; j < cols; ++j) sum[j] = s[first + j];
        for (std::size_t i = 0; i < A.rows; ++i) {
            const T* const a = A.at(i, first);
            const T* const b = B.at(i, first);
            for (std::size_t j = 0; j < cols; ++j)
                sum[j] = fma(static_cast<double>(a[j]), static_cast<double>(b[j]), sum[j]);
        }
        for (std::size_t j = 0; j < cols; ++j) s[first + j] = sum[j];
    }
}

// W[i][j] := W[i][j] most / |W[:, j]| in the columns whose Euclidean norm is above `most`. The norm and the factor are
// float64, the factor is rounded to T. Source: Srebro, Shraibman, COLT 2005.
template <class T>
void limit_norms(Panels<T> W, double most) noexcept {
    constexpr std::size_t panel = panel_cols<T>;
    for (std::size_t first = 0; first < W.cols; first += panel) {
        const std::size_t cols = W.cols - first < panel ? W.cols - first : panel;
        const Panels<T> part = W.part(0, first, W.rows, cols);
        double squares[panel] = {};
        sum_products<T>(part, part, squares);
        T factor[panel];
        bool any = false;
        for (std::size_t j = 0; j < cols; ++j) {
            const double norm = __builtin_sqrt(squares[j]);
            const bool longer = norm > most;
            factor[j] = longer ? static_cast<T>(most / norm) : T{1};
            any = any || longer;
        }
        if (!any) continue;
        for (std::size_t i = 0; i < W.rows; ++i) {
            T* const row = part.at(i, 0);
            for (std::size_t j = 0; j < cols; ++j) row[j] = row[j] * factor[j];
        }
    }
}

}  // namespace
}  // namespace rosenblatt
