// Losses: the output's activation, the loss of each sample in float64, and delta of the output layer
// (docs/arithmetic.md, section 4).
#pragma once

#include "kernels/activation.inl"
#include "kernels/table.hpp"
#include "simd/math.hpp"

namespace rosenblatt {
namespace {

// A row of targets, or the one-hot row of a label: y(j), and whether y(j) can be anything but 0 only at one j.
template <class T>
struct TargetRow {
    const T* y;
    ROSENBLATT_INLINE T operator()(std::size_t j) const noexcept { return y[j]; }
};

template <class T>
struct LabelRow {
    std::int64_t label;
    ROSENBLATT_INLINE T operator()(std::size_t j) const noexcept {
        return static_cast<std::int64_t>(j) == label ? T{1} : T{0};
    }
};

// The row of a label for the hinges: +1 at the label, -1 elsewhere.
template <class T>
struct SignRow {
    std::int64_t label;
    ROSENBLATT_INLINE T operator()(std::size_t j) const noexcept {
        return static_cast<std::int64_t>(j) == label ? T{1} : T{-1};
    }
};

template <class T>
ROSENBLATT_INLINE TargetRow<T> signs(TargetRow<T> y) noexcept {
    return y;
}
template <class T>
ROSENBLATT_INLINE SignRow<T> signs(LabelRow<T> y) noexcept {
    return {y.label};
}

// keep y_j + share: a share of every answer is spread over the classes.
template <class T>
struct Smoothing {
    T keep;
    T share;

    ROSENBLATT_INLINE Smoothing(double smoothing, std::size_t n_classes) noexcept
        : keep(static_cast<T>(1 - smoothing)), share(static_cast<T>(smoothing / static_cast<double>(n_classes))) {}
};

template <class T, class Target>
struct SmoothedRow {
    Target y;
    Smoothing<T> smoothing;
    ROSENBLATT_INLINE T operator()(std::size_t j) const noexcept { return fma(y(j), smoothing.keep, smoothing.share); }
};

// f(i, y) for every sample i, with y its TargetRow or LabelRow.
template <class T, class F>
ROSENBLATT_INLINE void for_targets(Targets<T> targets, std::size_t first, std::size_t last, bool label_is_target,
                                   F f) noexcept {
    for (std::size_t i = first; i < last; ++i) {
        if (targets.labels == nullptr) f(i, TargetRow<T>{targets.Y.row(i)});
        else  // as the target of one output a label 1 is a 1 at position 0, a label 0 a 1 nowhere
            f(i, LabelRow<T>{label_is_target ? 1 - targets.labels[i] : targets.labels[i]});
    }
}

// ---- terms: the loss of one output, added to c; they return its slope dc/da --------------------------------------

template <class T>
ROSENBLATT_INLINE T magnitude(T x) noexcept {
    return x < T{0} ? -x : x;
}

// 1/2 d^2, but for the half.
template <class T>
struct SquaredError {
    ROSENBLATT_INLINE T operator()(std::size_t, T a, T y, double& c) const noexcept {
        const T d = a - y;
        c = fma(static_cast<double>(d), static_cast<double>(d), c);
        return d;
    }
};

// |d|
template <class T>
struct AbsoluteError {
    ROSENBLATT_INLINE T operator()(std::size_t, T a, T y, double& c) const noexcept {
        const T d = a - y;
        c += static_cast<double>(magnitude(d));
        return d > T{0} ? T{1} : d < T{0} ? T{-1} : d;
    }
};

// m (|d| - m / 2) with m = min(|d|, bend): 1/2 d^2, and a line beyond the bend. Source: Huber, Ann. Math. Statist. 35,
// 1964.
template <class T>
struct Huber {
    T bend;
    ROSENBLATT_INLINE T operator()(std::size_t, T a, T y, double& c) const noexcept {
        const T d = a - y;
        const T slope = d > bend ? bend : d < -bend ? -bend : d;
        const auto m = static_cast<double>(magnitude(slope));
        c = fma(m, static_cast<double>(magnitude(d)) - 0.5 * m, c);
        return slope;
    }
};

// tau |d| where the output is below its target, (1 - tau) |d| above. Source: Koenker, Bassett, Econometrica 46, 1978.
template <class T>
struct Quantile {
    Vector<const double> levels;  // (1,) or (n_outputs,)
    ROSENBLATT_INLINE T operator()(std::size_t j, T a, T y, double& c) const noexcept {
        const T below = static_cast<T>(levels[levels.size == 1 ? 0 : j]);
        const T above = T{1} - below;
        const T d = a - y;
        c = fma(static_cast<double>(d < T{0} ? below : above), static_cast<double>(magnitude(d)), c);
        return d > T{0} ? above : d < T{0} ? -below : d;
    }
};

// m = max(0, 1 - y a) for y = -1 or +1: by how much the margin is missed.
template <class T>
ROSENBLATT_INLINE T margin_missed(T a, T y) noexcept {
    const T m = fma(-y, a, T{1});
    return m <= T{0} ? T{0} : m;
}

template <class T>
struct Hinge {
    ROSENBLATT_INLINE T operator()(std::size_t, T a, T y, double& c) const noexcept {
        const T m = margin_missed(a, y);
        c += static_cast<double>(m);
        return m > T{0} ? -y : m;
    }
};

template <class T>
struct SquaredHinge {
    ROSENBLATT_INLINE T operator()(std::size_t, T a, T y, double& c) const noexcept {
        const T m = margin_missed(a, y);
        c = fma(static_cast<double>(m), static_cast<double>(m), c);
        return (T{-2} * y) * m;
    }
};

// ln x for finite x >= 0; what is below the smallest normal number counts as 0.
template <class T>
ROSENBLATT_INLINE Pack<T> log_from_0(Pack<T> x) noexcept {
    const Pack<T> infinite = broadcast(T{-1}) / zero<T>();
    return select<T>(x < broadcast(Format<T>::smallest_normal), infinite, log(x));
}

// e^a - y a, with f(a) = e^a.
template <class T>
struct PoissonLogRate {
    ROSENBLATT_INLINE Pack<T> f(Pack<T> a) const noexcept { return exp(a); }
    ROSENBLATT_INLINE T operator()(T a, T rate, T y, double& c) const noexcept {
        c += fma(-static_cast<double>(y), static_cast<double>(a), static_cast<double>(rate));
        return rate - y;
    }
};

// a - y ln a, with f(a) = ln a; 0 ln 0 is 0.
template <class T>
struct PoissonRate {
    ROSENBLATT_INLINE Pack<T> f(Pack<T> a) const noexcept { return log_from_0(a); }
    ROSENBLATT_INLINE T operator()(T a, T log_a, T y, double& c) const noexcept {
        if (y == T{0}) {
            c += static_cast<double>(a);
            return T{1};
        }
        c += fma(-static_cast<double>(y), static_cast<double>(log_a), static_cast<double>(a));
        return T{1} - y / a;
    }
};

// ---- the loss of a sample: c, and delta_j = dc/da_j scale ---------------------------------------------------------

// c is the sum of the terms. a, delta (n,); delta may be null.
template <class T, class Target, class Term>
ROSENBLATT_INLINE double over_outputs(const T* a, std::size_t n, Target y, T scale, T* delta, Term term) noexcept {
    double c = 0;
    for (std::size_t j = 0; j < n; ++j) {
        const T slope = term(j, a[j], y(j), c);
        if (delta != nullptr) delta[j] = slope * scale;
    }
    return c;
}

// The same for terms that want a function of a, computed a register at a time.
template <class T, class Target, class Term>
ROSENBLATT_INLINE double over_registers(const T* a, std::size_t n, Target y, T scale, T* delta, Term term) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    double c = 0;
    for (std::size_t j = 0; j < n; j += width) {
        const std::size_t lanes = n - j < width ? n - j : width;
        T f[width];
        store(f, term.f(load(a + j, lanes)));
        for (std::size_t i = j; i < j + lanes; ++i) {
            const T slope = term(a[i], f[i - j], y(i), c);
            if (delta != nullptr) delta[i] = slope * scale;
        }
    }
    return c;
}

// c = 1/2 sum_k s_k + (mu_k - y_k)^2 e^-s_k for a = (mu, s), s the logarithm of the variance. a, delta (2 n,), y (n,);
// delta may be null. Source: Nix, Weigend, ICNN 1994.
template <class T>
ROSENBLATT_INLINE double gaussian_nll(const T* a, std::size_t n, const T* y, T scale, T* delta) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    const T* const s = a + n;
    double sum = 0;
    for (std::size_t j = 0; j < n; j += width) {
        const std::size_t lanes = n - j < width ? n - j : width;
        const Pack<T> h = exp(broadcast(T{-0.5}) * load(s + j, lanes));  // one over the standard deviation
        const Pack<T> u = (load(a + j, lanes) - load(y + j, lanes)) * h;
        T deviation[width];
        store(deviation, u);
        for (std::size_t i = 0; i < lanes; ++i)
            sum += fma(static_cast<double>(deviation[i]), static_cast<double>(deviation[i]),
                       static_cast<double>(s[j + i]));
        if (delta == nullptr) continue;
        const Pack<T> by_s = broadcast(T{0.5}) * fma(zero<T>() - u, u, broadcast(T{1}));
        store(delta + j, (u * h) * broadcast(scale), lanes);
        store(delta + n + j, by_s * broadcast(scale), lanes);
    }
    return 0.5 * sum;
}

// c = 1 - cos, cos = a y / (|a| |y|), all in float64; 0 for an output of zeros. a, y, delta (n,); delta may be null.
template <class T>
ROSENBLATT_INLINE double cosine(const T* a, std::size_t n, const T* y, T scale, T* delta) noexcept {
    double aa = 0;
    double yy = 0;
    double ay = 0;
    for (std::size_t j = 0; j < n; ++j) {
        const auto a_j = static_cast<double>(a[j]);
        const auto y_j = static_cast<double>(y[j]);
        aa = fma(a_j, a_j, aa);
        yy = fma(y_j, y_j, yy);
        ay = fma(a_j, y_j, ay);
    }
    const double size_a = __builtin_sqrt(aa);
    const double size_y = __builtin_sqrt(yy);
    const bool nothing = size_a == 0;
    const double cos = nothing ? 0 : ay / size_a / size_y;
    for (std::size_t j = 0; delta != nullptr && j < n; ++j) {
        const double slope = (cos * (static_cast<double>(a[j]) / size_a) - static_cast<double>(y[j]) / size_y) / size_a;
        delta[j] = (nothing ? T{0} : static_cast<T>(slope)) * scale;
    }
    return 1 - cos;
}

// ---- losses of probabilities: delta_j = dc/dz_j scale -------------------------------------------------------------

// The loss t of one output and, where delta is not null, its delta, from ln(1 + e^-|z|).
template <class T>
ROSENBLATT_INLINE T logistic_log_loss_of_output(T z, T a, T y, T log1p_exp, T scale, T* delta) noexcept {
    if (delta != nullptr) *delta = (a - y) * scale;
    return fma(-y, z, z > T{0} ? z : T{0}) + log1p_exp;
}

// ln(1 + e^-|z_j|) of a register's worth of outputs, or of as many as there are.
template <class T>
ROSENBLATT_INLINE void log1p_exp_of(const T* z, std::size_t n, T* to) noexcept {
    store(to, log1p(exp(zero<T>() - abs(load(z, n)))));
}

// c = -sum_j (y_j ln a_j + (1 - y_j) ln(1 - a_j)) = sum_j t_j, t_j = max(z_j, 0) - y_j z_j + ln(1 + e^-|z_j|);
// delta_j = (a_j - y_j) scale. z, a, delta (n,); delta may be null.
template <class T, class Target>
ROSENBLATT_INLINE double logistic_log_loss(const T* z, const T* a, std::size_t n, Target y, T scale,
                                           T* delta) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    double sum = 0;
    for (std::size_t j = 0; j < n; j += width) {
        const std::size_t lanes = n - j < width ? n - j : width;
        T log1p_exp[width];
        log1p_exp_of(z + j, lanes, log1p_exp);
        for (std::size_t i = j; i < j + lanes; ++i)
            sum += static_cast<double>(logistic_log_loss_of_output(z[i], a[i], y(i), log1p_exp[i - j], scale,
                                                                   delta == nullptr ? nullptr : delta + i));
    }
    return sum;
}

// q^gamma for 0 <= q <= 1; 0^0 is 1.
template <class T>
ROSENBLATT_INLINE Pack<T> power(Pack<T> q, T gamma) noexcept {
    const Pack<T> at_0 = broadcast(gamma == T{0} ? T{1} : T{0});
    return select<T>(q < broadcast(Format<T>::smallest_normal), at_0, exp(broadcast(gamma) * log_from_0(q)));
}

// c = sum_j y_j q_j^gamma t_j + (1 - y_j) a_j^gamma u_j with q = 1 - a, t = -ln a, u = -ln q; delta_j = ((1 - y_j)
// a_j^gamma (a_j + gamma q_j u_j) - y_j q_j^gamma (q_j + gamma a_j t_j)) scale. z, a, delta (n,); delta may be null.
// Source: Lin, Goyal, Girshick, He, Dollar, ICCV 2017.
template <class T, class Target>
ROSENBLATT_INLINE double logistic_focal(const T* z, const T* a, std::size_t n, Target y, T gamma, T scale,
                                        T* delta) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    const auto positive_part = [](Pack<T> x) { return select<T>(x > zero<T>(), x, zero<T>()); };
    double sum = 0;
    for (std::size_t j = 0; j < n; j += width) {
        const std::size_t lanes = n - j < width ? n - j : width;
        const Pack<T> z_j = load(z + j, lanes);
        const Pack<T> a_j = load(a + j, lanes);
        const Pack<T> q = logistic(zero<T>() - z_j);
        const Pack<T> tail = log1p(exp(zero<T>() - abs(z_j)));
        const Pack<T> t = positive_part(zero<T>() - z_j) + tail;
        const Pack<T> u = positive_part(z_j) + tail;
        const Pack<T> w_yes = power(q, gamma);
        const Pack<T> w_no = power(a_j, gamma);
        T cost_yes[width];
        T cost_no[width];
        T slope_yes[width];
        T slope_no[width];
        store(cost_yes, w_yes * t);
        store(cost_no, w_no * u);
        store(slope_yes, w_yes * fma(broadcast(gamma) * a_j, t, q));
        store(slope_no, w_no * fma(broadcast(gamma) * q, u, a_j));
        for (std::size_t i = 0; i < lanes; ++i) {
            const T yes = y(j + i);
            const T no = T{1} - yes;
            sum += static_cast<double>(fma(yes, cost_yes[i], no * cost_no[i]));
            if (delta != nullptr) delta[j + i] = fma(no, slope_no[i], -(yes * slope_yes[i])) * scale;
        }
    }
    return sum;
}

// What the losses of a softmax share: a row of z and a with m, the largest z, and log_S, the logarithm of sum_j e^(z_j
// - m).
template <class T>
struct SoftmaxRow {
    const T* z;
    const T* a;
    std::size_t n;
    T m;
    T log_S;

    ROSENBLATT_INLINE T surprise(std::size_t j) const noexcept { return log_S - (z[j] - m); }  // -ln a_j
    ROSENBLATT_INLINE Pack<T> surprise(std::size_t j, std::size_t lanes) const noexcept {
        return broadcast(log_S) - (load(z + j, lanes) - broadcast(m));
    }
};

// delta_j = (a_j sum y - y_j) scale. delta (n,).
template <class T, class Target>
ROSENBLATT_INLINE void softmax_delta(SoftmaxRow<T> row, Target y, T scale, T* delta) noexcept {
    T total = 0;
    for (std::size_t j = 0; j < row.n; ++j) total += y(j);
    for (std::size_t j = 0; j < row.n; ++j) delta[j] = y(j);
    combine(row.a, row.n, delta,
            [=](Pack<T> p, Pack<T> t) { return fma(p, broadcast(total), zero<T>() - t) * broadcast(scale); });
}

// The same for a label: y is 1 there and 0 elsewhere.
template <class T>
ROSENBLATT_INLINE void softmax_delta(SoftmaxRow<T> row, LabelRow<T> y, T scale, T* delta) noexcept {
    map(row.a, row.n, delta, [=](Pack<T> p) { return p * broadcast(scale); });
    delta[y.label] = (row.a[y.label] - T{1}) * scale;
}

// c = -sum_j y_j ln a_j.
template <class T, class Target>
ROSENBLATT_INLINE double softmax_log_loss(SoftmaxRow<T> row, Target y) noexcept {
    double sum = 0;
    for (std::size_t j = 0; j < row.n; ++j)
        if (y(j) != T{0}) sum = fma(static_cast<double>(y(j)), static_cast<double>(row.surprise(j)), sum);
    return sum;
}

template <class T>
ROSENBLATT_INLINE double softmax_log_loss(SoftmaxRow<T> row, LabelRow<T> y) noexcept {
    return static_cast<double>(row.surprise(static_cast<std::size_t>(y.label)));
}

// c = sum_j y_j (ln y_j - ln a_j), where what is below the smallest normal number counts as 0.
template <class T>
ROSENBLATT_INLINE double kl_divergence(SoftmaxRow<T> row, TargetRow<T> target) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    double sum = 0;
    for (std::size_t j = 0; j < row.n; j += width) {
        const std::size_t lanes = row.n - j < width ? row.n - j : width;
        T log_y[width];
        store(log_y, log_from_0(load(target.y + j, lanes)));
        for (std::size_t i = j; i < j + lanes; ++i)
            if (target.y[i] >= Format<T>::smallest_normal)
                sum = fma(static_cast<double>(target.y[i]),
                          static_cast<double>(row.surprise(i)) + static_cast<double>(log_y[i - j]), sum);
    }
    return sum;
}

// ln 1 = 0: of a label it is the log loss.
template <class T>
ROSENBLATT_INLINE double kl_divergence(SoftmaxRow<T> row, LabelRow<T> y) noexcept {
    return softmax_log_loss(row, y);
}

// c = sum_j y_j q_j^gamma t_j with q = 1 - a, t = -ln a; with r_j = -y_j q_j^gamma (1 + gamma a_j t_j / q_j),
// delta_k = (r_k - a_k sum_j r_j) scale. delta (n,), may be null. Source: as for logistic_focal.
template <class T, class Target>
ROSENBLATT_INLINE double softmax_focal(SoftmaxRow<T> row, Target y, T gamma, T scale, T* delta) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    double sum = 0;
    T R = 0;
    for (std::size_t j = 0; j < row.n; j += width) {
        const std::size_t lanes = row.n - j < width ? row.n - j : width;
        const Pack<T> a = load(row.a + j, lanes);
        const Pack<T> t = row.surprise(j, lanes);
        const Pack<T> q = broadcast(T{1}) - a;
        const Pack<T> w = power(q, gamma);
        const Pack<T> ratio = select<T>(q > zero<T>(), t / q, zero<T>());
        T cost[width];
        T slope[width];
        store(cost, w * t);
        store(slope, w * fma(broadcast(gamma) * a, ratio, broadcast(T{1})));
        for (std::size_t i = 0; i < lanes; ++i) {
            const T y_j = y(j + i);
            const T r = y_j == T{0} ? T{0} : -(y_j * slope[i]);
            if (y_j != T{0}) sum = fma(static_cast<double>(y_j), static_cast<double>(cost[i]), sum);
            R += r;
            if (delta != nullptr) delta[j + i] = r;
        }
    }
    if (delta != nullptr)
        combine(row.a, row.n, delta,
                [=](Pack<T> a, Pack<T> r) { return fma(zero<T>() - a, broadcast(R), r) * broadcast(scale); });
    return sum;
}

// Softmax and its loss together, so that each e^z is computed once; the logarithms of a register's worth of samples at
// a time. f(row, y, scale, delta) returns the loss of a sample.
template <class T, class F>
ROSENBLATT_INLINE void softmax_losses(Matrix<const T> Z, Targets<T> targets, const T* scale, Matrix<T> A, double* c,
                                      Matrix<T> Delta, F f) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    for (std::size_t first = 0; first < Z.rows; first += width) {
        const std::size_t last = Z.rows - first < width ? Z.rows : first + width;
        T m[width];
        T S[width];
        T log_S[width];
        for (std::size_t i = 0; i < width; ++i) S[i] = 1;
        for (std::size_t i = first; i < last; ++i) {
            m[i - first] = largest(Z.row(i), Z.cols);
            S[i - first] = exp_row(Z.row(i), Z.cols, m[i - first], A.row(i));
        }
        store(log_S, log(load(S)));
        for_targets(targets, first, last, false, [&](std::size_t i, auto y) noexcept {
            divide_row(A.row(i), Z.cols, S[i - first]);
            const SoftmaxRow<T> row{Z.row(i), A.row(i), Z.cols, m[i - first], log_S[i - first]};
            c[i] = f(row, y, scale[i], Delta.data == nullptr ? nullptr : Delta.row(i));
        });
    }
}

// ---- all of them --------------------------------------------------------------------------------------------------

// The losses whose slopes are dc/da; the way back through the output's activation is still to go.
template <class T>
void losses_by_a(LossRule rule, bool label_is_target, Targets<T> targets, const T* scale, Matrix<const T> A, double* c,
                 Matrix<T> Delta) noexcept {
    const auto each = [&](auto f) noexcept {
        for_targets(targets, 0, A.rows, label_is_target, [&](std::size_t i, auto y) noexcept {
            c[i] = f(A.row(i), y, scale[i], Delta.data == nullptr ? nullptr : Delta.row(i));
        });
    };
    const auto terms = [&](auto term) noexcept {
        each([&](const T* a, auto y, T s, T* delta) { return over_outputs<T>(a, A.cols, y, s, delta, term); });
    };
    const auto terms_of_signs = [&](auto term) noexcept {
        each([&](const T* a, auto y, T s, T* delta) { return over_outputs<T>(a, A.cols, signs(y), s, delta, term); });
    };
    const auto terms_of_registers = [&](auto term) noexcept {
        each([&](const T* a, auto y, T s, T* delta) { return over_registers<T>(a, A.cols, y, s, delta, term); });
    };
    const auto rows = [&](auto f) noexcept {  // of targets: the door lets no labels through
        for (std::size_t i = 0; i < A.rows; ++i)
            c[i] = f(A.row(i), targets.Y.row(i), scale[i], Delta.data == nullptr ? nullptr : Delta.row(i));
    };
    switch (rule.loss) {
        case Loss::squared_error:
            each([&](const T* a, auto y, T s, T* delta) {
                return 0.5 * over_outputs<T>(a, A.cols, y, s, delta, SquaredError<T>{});
            });
            break;
        case Loss::absolute_error:
            terms(AbsoluteError<T>{});
            break;
        case Loss::huber:
            terms(Huber<T>{static_cast<T>(rule.parameters[0])});
            break;
        case Loss::quantile:
            terms(Quantile<T>{rule.parameters});
            break;
        case Loss::hinge:
            terms_of_signs(Hinge<T>{});
            break;
        case Loss::squared_hinge:
            terms_of_signs(SquaredHinge<T>{});
            break;
        case Loss::poisson:
            if (rule.parameters[0] != 0) terms_of_registers(PoissonLogRate<T>{});
            else terms_of_registers(PoissonRate<T>{});
            break;
        case Loss::gaussian_nll:
            rows([&](const T* a, const T* y, T s, T* delta) { return gaussian_nll(a, A.cols / 2, y, s, delta); });
            break;
        case Loss::cosine:
            rows([&](const T* a, const T* y, T s, T* delta) { return cosine(a, A.cols, y, s, delta); });
            break;
        case Loss::log_loss:
        case Loss::kl_divergence:
        case Loss::focal:
            break;  // not by a
    }
}

// The losses of a softmax, all by z.
template <class T>
void losses_of_softmax(LossRule rule, Matrix<const T> Z, Targets<T> targets, const T* scale, Matrix<T> A, double* c,
                       Matrix<T> Delta) noexcept {
    const auto each = [&](auto f) noexcept { softmax_losses(Z, targets, scale, A, c, Delta, f); };
    const auto log_loss = [](const SoftmaxRow<T>& row, auto y, T s, T* delta) noexcept {
        if (delta != nullptr) softmax_delta(row, y, s, delta);
        return softmax_log_loss(row, y);
    };
    if (rule.loss == Loss::focal) {
        const T gamma = static_cast<T>(rule.parameters[0]);
        each([=](const SoftmaxRow<T>& row, auto y, T s, T* delta) noexcept {
            return softmax_focal(row, y, gamma, s, delta);
        });
    } else if (rule.loss == Loss::kl_divergence) {
        each([](const SoftmaxRow<T>& row, auto y, T s, T* delta) noexcept {
            if (delta != nullptr) softmax_delta(row, y, s, delta);
            return kl_divergence(row, y);
        });
    } else if (rule.parameters[0] != 0) {
        const Smoothing<T> smoothing(rule.parameters[0], Z.cols);
        each([=](const SoftmaxRow<T>& row, auto y, T s, T* delta) noexcept {
            return log_loss(row, SmoothedRow<T, decltype(y)>{y, smoothing}, s, delta);
        });
    } else {
        each(log_loss);
    }
}

// The losses of logistic outputs that are by z: each output is a yes-or-no question.
template <class T>
void losses_of_logistic(LossRule rule, Matrix<const T> Z, Targets<T> targets, const T* scale, Matrix<const T> A,
                        double* c, Matrix<T> Delta) noexcept {
    const auto each = [&](auto f) noexcept {
        for_targets(targets, 0, Z.rows, Z.cols == 1, [&](std::size_t i, auto y) noexcept {
            c[i] = f(Z.row(i), A.row(i), y, scale[i], Delta.data == nullptr ? nullptr : Delta.row(i));
        });
    };
    const T gamma = static_cast<T>(rule.parameters[0]);
    if (rule.loss == Loss::focal) {
        each([&](const T* z, const T* a, auto y, T s, T* delta) {
            return logistic_focal<T>(z, a, Z.cols, y, gamma, s, delta);
        });
    } else if (rule.parameters[0] != 0) {
        const Smoothing<T> smoothing(rule.parameters[0], 2);
        each([&](const T* z, const T* a, auto y, T s, T* delta) {
            return logistic_log_loss<T>(z, a, Z.cols, SmoothedRow<T, decltype(y)>{y, smoothing}, s, delta);
        });
    } else if (Z.cols == 1 && Z.stride == 1) {  // the samples of a single output fill registers
        constexpr std::size_t width = Pack<T>::width;
        for (std::size_t first = 0; first < Z.rows; first += width) {
            const std::size_t last = Z.rows - first < width ? Z.rows : first + width;
            T log1p_exp[width];
            log1p_exp_of(Z.data + first, last - first, log1p_exp);
            for_targets(targets, first, last, true, [&](std::size_t i, auto y) noexcept {
                c[i] = 0.0 + static_cast<double>(
                                 logistic_log_loss_of_output(Z.data[i], A.row(i)[0], y(0), log1p_exp[i - first],
                                                             scale[i], Delta.data == nullptr ? nullptr : Delta.row(i)));
            });
        }
    } else {
        each([&](const T* z, const T* a, auto y, T s, T* delta) {
            return logistic_log_loss<T>(z, a, Z.cols, y, s, delta);
        });
    }
}

template <class T>
void loss(LossRule rule, Activation output, Matrix<const T> Z, Targets<T> targets, const T* scale, Matrix<T> A,
          double* c, Matrix<T> Delta) noexcept {
    if (slopes_by_z(rule.loss) && output == Activation::softmax)
        return losses_of_softmax(rule, Z, targets, scale, A, c, Delta);
    activate(output, Z, A);
    if (slopes_by_z(rule.loss)) return losses_of_logistic<T>(rule, Z, targets, scale, A, c, Delta);
    losses_by_a<T>(rule, Z.cols == 1, targets, scale, A, c, Delta);
    if (Delta.data != nullptr)
        activation_backward<T>(output, derivative_from_z(output) ? Z : Matrix<const T>(A), Delta);
}

}  // namespace
}  // namespace rosenblatt
