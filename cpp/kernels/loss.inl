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

template <class T>
ROSENBLATT_INLINE T magnitude(T x) noexcept {
    return x < T{0} ? -x : x;
}

// The functions of simd/math.hpp for one number: the same bits as in a register.
template <class T>
ROSENBLATT_INLINE T exp_of(T x) noexcept {
    return first_lane(exp(broadcast(x)));
}

// One sample of the output and its derivatives along a direction: z, a, R{z}, R{a}, each (n,).
template <class T>
struct SampleAlong {
    std::size_t n;
    const T* z;
    const T* a;
    const T* R_z;
    const T* R_a;
};

// ---- one struct for each loss -------------------------------------------------------------------------------------
//
// A loss of outputs one by one has `term(j, a, y, c)`, to add the loss of output j to c and return the slope dc/da,
// and `slope_along(a, y, R_a)`, which is R{dc/da}. Other losses have a function of a row; their slopes are dc/da or
// dc/dz, as losses.def says, and `slopes_along` writes R{slope} of the row to r (n,).
template <Loss loss, class T>
struct LossOf;

// use(LossOf<loss>(rule)) for the loss of the rule.
template <class T, class F>
ROSENBLATT_INLINE void with_loss(LossRule rule, F use) noexcept {
    switch (rule.loss) {
#define ROSENBLATT_LOSS(name, labels, slopes, targets, outputs) \
    case Loss::name:                                            \
        return use(LossOf<Loss::name, T>(rule));
#include "kernels/losses.def"
    }
}

// 1/2 d^2; the factor multiplies the sum.
template <class T>
struct LossOf<Loss::squared_error, T> {
    static constexpr double factor = 0.5;
    explicit LossOf(LossRule) noexcept {}
    ROSENBLATT_INLINE T term(std::size_t, T a, T y, double& c) const noexcept {
        const T d = a - y;
        c = fma(static_cast<double>(d), static_cast<double>(d), c);
        return d;
    }
    ROSENBLATT_INLINE T slope_along(T, T, T R_a) const noexcept { return R_a; }
};

// |d|
template <class T>
struct LossOf<Loss::absolute_error, T> {
    explicit LossOf(LossRule) noexcept {}
    ROSENBLATT_INLINE T term(std::size_t, T a, T y, double& c) const noexcept {
        const T d = a - y;
        c += static_cast<double>(magnitude(d));
        return d > T{0} ? T{1} : d < T{0} ? T{-1} : d;
    }
    ROSENBLATT_INLINE T slope_along(T, T, T) const noexcept { return 0; }
};

// m (|d| - m / 2) with m = min(|d|, bend): 1/2 d^2, and a line beyond the bend. Source: Huber, Ann. Math. Statist. 35,
// 1964.
template <class T>
struct LossOf<Loss::huber, T> {
    T bend;
    explicit LossOf(LossRule rule) noexcept : bend(static_cast<T>(rule.parameters[0])) {}
    ROSENBLATT_INLINE T term(std::size_t, T a, T y, double& c) const noexcept {
        const T d = a - y;
        const T slope = d > bend ? bend : d < -bend ? -bend : d;
        const auto m = static_cast<double>(magnitude(slope));
        c = fma(m, static_cast<double>(magnitude(d)) - 0.5 * m, c);
        return slope;
    }
    ROSENBLATT_INLINE T slope_along(T a, T y, T R_a) const noexcept {
        const T d = a - y;
        return -bend <= d && d <= bend ? R_a : T{0};
    }
};

// tau |d| if the output is below its target, (1 - tau) |d| above. Source: Koenker, Bassett, Econometrica 46, 1978.
template <class T>
struct LossOf<Loss::quantile, T> {
    Vector<const double> levels;  // (1,) or (n_outputs,)
    explicit LossOf(LossRule rule) noexcept : levels(rule.parameters) {}
    ROSENBLATT_INLINE T term(std::size_t j, T a, T y, double& c) const noexcept {
        const T below = static_cast<T>(levels[levels.size == 1 ? 0 : j]);
        const T above = T{1} - below;
        const T d = a - y;
        c = fma(static_cast<double>(d < T{0} ? below : above), static_cast<double>(magnitude(d)), c);
        return d > T{0} ? above : d < T{0} ? -below : d;
    }
    ROSENBLATT_INLINE T slope_along(T, T, T) const noexcept { return 0; }
};

// ln cosh d = |d| + ln(1 + (e^(-2 |d|) - 1) / 2), at least 0: 1/2 d^2 near 0, |d| - ln 2 far from it. Source: Keras.
template <class T>
struct LossOf<Loss::log_cosh, T> {
    explicit LossOf(LossRule) noexcept {}
    ROSENBLATT_INLINE double of_row(const T* a, std::size_t n, const T* y, T scale, T* delta) const noexcept {
        constexpr std::size_t width = Pack<T>::width;
        double sum = 0;
        for (std::size_t j = 0; j < n; j += width) {
            const std::size_t lanes = n - j < width ? n - j : width;
            const Pack<T> d = load(a + j, lanes) - load(y + j, lanes);
            const Pack<T> size = abs(d);
            const Pack<T> t = size + log1p(broadcast(T{0.5}) * expm1(broadcast(T{-2}) * size));
            T term[width];
            store(term, select<T>(t < zero<T>(), zero<T>(), t));
            for (std::size_t i = 0; i < lanes; ++i) sum += static_cast<double>(term[i]);
            if (delta != nullptr) store(delta + j, tanh(d) * broadcast(scale), lanes);
        }
        return sum;
    }
    ROSENBLATT_INLINE T slope_along(T a, T y, T R_a) const noexcept {
        const T slope = first_lane(tanh(broadcast(a - y)));
        return fma(-slope, slope, T{1}) * R_a;
    }
};

// m = max(0, 1 - y a) for y = -1 or +1: by how much the margin is missed.
template <class T>
ROSENBLATT_INLINE T margin_missed(T a, T y) noexcept {
    const T m = fma(-y, a, T{1});
    return m <= T{0} ? T{0} : m;
}

template <class T>
struct LossOf<Loss::hinge, T> {
    explicit LossOf(LossRule) noexcept {}
    ROSENBLATT_INLINE T term(std::size_t, T a, T y, double& c) const noexcept {
        const T m = margin_missed(a, y);
        c += static_cast<double>(m);
        return m > T{0} ? -y : m;
    }
    ROSENBLATT_INLINE T slope_along(T, T, T) const noexcept { return 0; }
};

template <class T>
struct LossOf<Loss::squared_hinge, T> {
    explicit LossOf(LossRule) noexcept {}
    ROSENBLATT_INLINE T term(std::size_t, T a, T y, double& c) const noexcept {
        const T m = margin_missed(a, y);
        c = fma(static_cast<double>(m), static_cast<double>(m), c);
        return (T{-2} * y) * m;
    }
    ROSENBLATT_INLINE T slope_along(T a, T y, T R_a) const noexcept {
        return margin_missed(a, y) > T{0} ? T{2} * R_a : T{0};
    }
};

// ln x for finite x >= 0; what is below the smallest normal number counts as 0.
template <class T>
ROSENBLATT_INLINE Pack<T> log_from_0(Pack<T> x) noexcept {
    const Pack<T> infinite = broadcast(T{-1}) / zero<T>();
    return select<T>(x < broadcast(Format<T>::smallest_normal), infinite, log(x));
}

// With the logarithm of the rate as output e^a - y a, with the rate itself a - y ln a (0 ln 0 is 0). The terms take
// f(a), e^a or ln a, which is computed a register at a time.
template <class T>
struct LossOf<Loss::poisson, T> {
    bool log_rate;
    explicit LossOf(LossRule rule) noexcept : log_rate(rule.parameters[0] != 0) {}
    ROSENBLATT_INLINE Pack<T> f(Pack<T> a) const noexcept { return log_rate ? exp(a) : log_from_0(a); }
    ROSENBLATT_INLINE T term(T a, T f_a, T y, double& c) const noexcept {
        if (log_rate) {
            c += fma(-static_cast<double>(y), static_cast<double>(a), static_cast<double>(f_a));
            return f_a - y;
        }
        if (y == T{0}) {
            c += static_cast<double>(a);
            return T{1};
        }
        c += fma(-static_cast<double>(y), static_cast<double>(f_a), static_cast<double>(a));
        return T{1} - y / a;
    }
    ROSENBLATT_INLINE T slope_along(T a, T y, T R_a) const noexcept {
        if (log_rate) return exp_of(a) * R_a;
        return y == T{0} ? T{0} : y / a / a * R_a;
    }
};

// ---- the loss of a sample: c, and delta_j = dc/da_j scale ---------------------------------------------------------

// c is the sum of the terms. a, delta (n,); delta may be null.
template <class T, class Target, class L>
ROSENBLATT_INLINE double over_outputs(const T* a, std::size_t n, Target y, T scale, T* delta, const L& loss) noexcept {
    double c = 0;
    for (std::size_t j = 0; j < n; ++j) {
        const T slope = loss.term(j, a[j], y(j), c);
        if (delta != nullptr) delta[j] = slope * scale;
    }
    return c;
}

// The same for terms that want a function of a, computed a register at a time.
template <class T, class Target, class L>
ROSENBLATT_INLINE double over_registers(const T* a, std::size_t n, Target y, T scale, T* delta,
                                        const L& loss) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    double c = 0;
    for (std::size_t j = 0; j < n; j += width) {
        const std::size_t lanes = n - j < width ? n - j : width;
        T f[width];
        store(f, loss.f(load(a + j, lanes)));
        for (std::size_t i = j; i < j + lanes; ++i) {
            const T slope = loss.term(a[i], f[i - j], y(i), c);
            if (delta != nullptr) delta[i] = slope * scale;
        }
    }
    return c;
}

// c = 1/2 sum_k s_k + (mu_k - y_k)^2 e^-s_k for a = (mu, s), s the logarithm of the variance. a, delta (2 n,), y (n,);
// delta may be null. Source: Nix, Weigend, ICNN 1994.
template <class T>
struct LossOf<Loss::gaussian_nll, T> {
    explicit LossOf(LossRule) noexcept {}
    ROSENBLATT_INLINE double of_row(const T* a, std::size_t n_outputs, const T* y, T scale, T* delta) const noexcept {
        constexpr std::size_t width = Pack<T>::width;
        const std::size_t n = n_outputs / 2;
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
    // R{u h} of the means and R{(1 - u^2) / 2} of s, with h = e^(-s/2), u = (mu - y) h.
    template <class Target>
    void slopes_along(const SampleAlong<T>& at, Target y, bool, T* r) const noexcept {
        const std::size_t K = at.n / 2;
        for (std::size_t k = 0; k < K; ++k) {
            const T h = exp_of(T{-0.5} * at.a[K + k]);
            const T u = (at.a[k] - y(k)) * h;
            const T half = T{-0.5} * u;
            const T R_s = at.R_a[K + k];
            const T R_u = fma(h, at.R_a[k], half * R_s);
            r[k] = h * fma(half, R_s, R_u);
            r[K + k] = -(u * R_u);
        }
    }
};

// c = 1 - cos, cos = a y / (|a| |y|), all in float64; 0 for an output of zeros. a, y, delta (n,); delta may be null.
template <class T>
struct LossOf<Loss::cosine, T> {
    struct Sizes {
        double size_a;
        double size_y;
        double cos;

        ROSENBLATT_INLINE double direction(T a) const noexcept { return static_cast<double>(a) / size_a; }
        ROSENBLATT_INLINE double slope(T a, T y) const noexcept {
            return (cos * direction(a) - static_cast<double>(y) / size_y) / size_a;
        }
    };
    template <class Target>
    ROSENBLATT_INLINE static Sizes sizes(const T* a, std::size_t n, Target y) noexcept {
        double aa = 0;
        double yy = 0;
        double ay = 0;
        for (std::size_t j = 0; j < n; ++j) {
            const auto a_j = static_cast<double>(a[j]);
            const auto y_j = static_cast<double>(y(j));
            aa = fma(a_j, a_j, aa);
            yy = fma(y_j, y_j, yy);
            ay = fma(a_j, y_j, ay);
        }
        const double size_a = __builtin_sqrt(aa);
        const double size_y = __builtin_sqrt(yy);
        return {size_a, size_y, size_a == 0 ? 0 : ay / size_a / size_y};
    }

    explicit LossOf(LossRule) noexcept {}
    ROSENBLATT_INLINE double of_row(const T* a, std::size_t n, const T* y, T scale, T* delta) const noexcept {
        const Sizes of = sizes(a, n, TargetRow<T>{y});
        for (std::size_t j = 0; delta != nullptr && j < n; ++j)
            delta[j] = (of.size_a == 0 ? T{0} : static_cast<T>(of.slope(a[j], y[j]))) * scale;
        return 1 - of.cos;
    }
    // R{(cos e_j - y_j / |y|) / |a|} with e = a / |a|, in float64.
    template <class Target>
    void slopes_along(const SampleAlong<T>& at, Target y, bool, T* r) const noexcept {
        const Sizes of = sizes(at.a, at.n, y);
        double R_size = 0;
        double R_a_slope = 0;
        for (std::size_t j = 0; j < at.n; ++j) {
            const auto R_j = static_cast<double>(at.R_a[j]);
            R_size = fma(of.direction(at.a[j]), R_j, R_size);
            R_a_slope = fma(of.slope(at.a[j], y(j)), R_j, R_a_slope);
        }
        const double R_cos = -R_a_slope;
        for (std::size_t j = 0; j < at.n; ++j) {
            const double e = of.direction(at.a[j]);
            const double R_e = (static_cast<double>(at.R_a[j]) - e * R_size) / of.size_a;
            const double R_slope = (R_cos * e + of.cos * R_e - of.slope(at.a[j], y(j)) * R_size) / of.size_a;
            r[j] = of.size_a == 0 ? T{0} : static_cast<T>(R_slope);
        }
    }
};

// ---- losses of probabilities: delta_j = dc/dz_j scale -------------------------------------------------------------

// The loss t of one output and, if delta is not null, its delta, from ln(1 + e^-|z|).
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

// c = sum_j y_j (ln y_j - ln a_j), in which numbers below the smallest normal number count as 0.
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

// R{a_j} sum_i y_i, of the slope a_j sum_i y_i - y_j.
template <class T, class Target>
ROSENBLATT_INLINE void softmax_slopes_along(const SampleAlong<T>& at, Target y, T* r) noexcept {
    T total = 0;
    for (std::size_t j = 0; j < at.n; ++j) total += y(j);
    for (std::size_t j = 0; j < at.n; ++j) r[j] = at.R_a[j] * total;
}

template <class T>
struct LossOf<Loss::log_loss, T> {
    double smoothing;
    explicit LossOf(LossRule rule) noexcept : smoothing(rule.parameters[0]) {}

    // use(y), or use(the row y with some of each answer spread over n_classes).
    template <class Target, class F>
    ROSENBLATT_INLINE auto with_smoothing(Target y, std::size_t n_classes, F use) const noexcept {
        if (smoothing == 0) return use(y);
        return use(SmoothedRow<T, Target>{y, Smoothing<T>(smoothing, n_classes)});
    }
    template <class Target>
    ROSENBLATT_INLINE double of_softmax(const SoftmaxRow<T>& row, Target y, T scale, T* delta) const noexcept {
        return with_smoothing(y, row.n, [&](auto smooth) {
            if (delta != nullptr) softmax_delta(row, smooth, scale, delta);
            return softmax_log_loss(row, smooth);
        });
    }
    template <class Target>
    ROSENBLATT_INLINE double of_logistic(const T* z, const T* a, std::size_t n, Target y, T scale,
                                         T* delta) const noexcept {
        return with_smoothing(y, 2, [&](auto smooth) { return logistic_log_loss<T>(z, a, n, smooth, scale, delta); });
    }
    template <class Target>
    void slopes_along(const SampleAlong<T>& at, Target y, bool softmax, T* r) const noexcept {
        if (softmax) with_smoothing(y, at.n, [&](auto smooth) { softmax_slopes_along(at, smooth, r); });
        else
            for (std::size_t j = 0; j < at.n; ++j) r[j] = at.R_a[j];
    }
};

template <class T>
struct LossOf<Loss::kl_divergence, T> {
    explicit LossOf(LossRule) noexcept {}
    template <class Target>
    ROSENBLATT_INLINE double of_softmax(const SoftmaxRow<T>& row, Target y, T scale, T* delta) const noexcept {
        if (delta != nullptr) softmax_delta(row, y, scale, delta);
        return kl_divergence(row, y);
    }
    template <class Target>
    void slopes_along(const SampleAlong<T>& at, Target y, bool, T* r) const noexcept {
        softmax_slopes_along(at, y, r);
    }
};

template <class T>
struct LossOf<Loss::focal, T> {
    T gamma;
    explicit LossOf(LossRule rule) noexcept : gamma(static_cast<T>(rule.parameters[0])) {}
    template <class Target>
    ROSENBLATT_INLINE double of_softmax(const SoftmaxRow<T>& row, Target y, T scale, T* delta) const noexcept {
        return softmax_focal(row, y, gamma, scale, delta);
    }
    template <class Target>
    ROSENBLATT_INLINE double of_logistic(const T* z, const T* a, std::size_t n, Target y, T scale,
                                         T* delta) const noexcept {
        return logistic_focal<T>(z, a, n, y, gamma, scale, delta);
    }
    template <class Target>
    void slopes_along(const SampleAlong<T>& at, Target y, bool softmax, T* r) const noexcept {
        if (softmax) softmax_slopes_along(at, y, r);
        else logistic_slopes_along(at, y, r);
    }

  private:
    ROSENBLATT_INLINE T power_of(T q) const noexcept { return first_lane(power(broadcast(q), gamma)); }

    // R{r_k - a_k sum_j r_j} with r_j = -y_j (q^gamma + gamma a_j t_j q^(gamma - 1)), q = 1 - a_j, t_j = -ln a_j.
    template <class Target>
    void softmax_slopes_along(const SampleAlong<T>& at, Target y, T* r) const noexcept {
        const T m = largest(at.z, at.n);
        T S = 0;
        for (std::size_t j = 0; j < at.n; ++j) S += exp_of(at.z[j] - m);
        const T log_S = first_lane(log(broadcast(S)));
        T total = 0;
        T R_total = 0;
        for (std::size_t j = 0; j < at.n; ++j) {
            r[j] = 0;
            const T y_j = y(j);
            if (y_j == T{0}) continue;
            const T a = at.a[j];
            const T t = log_S - (at.z[j] - m);
            const T q = T{1} - a;
            const T w = power_of(q);
            const T ratio = q > T{0} ? t / q : T{0};
            total += -(y_j * (w * fma(gamma * a, ratio, T{1})));
            if (!(q > T{0})) continue;
            const T bent = fma((gamma - T{1}) * a, ratio, T{2} - t);
            r[j] = y_j * (((gamma * (w / q)) * bent) * at.R_a[j]);
            R_total += r[j];
        }
        for (std::size_t k = 0; k < at.n; ++k) r[k] = fma(-at.a[k], R_total, fma(-at.R_a[k], total, r[k]));
    }

    // The derivative of one answer's slope: w q (a (1 + 2 gamma - gamma u) + gamma^2 q u) for q = 1 - a, u = -ln q,
    // w = a^gamma.
    ROSENBLATT_INLINE T curve_of_answer(T a, T q, T u) const noexcept {
        const T most = fma(T{2}, gamma, T{1});
        const T square = gamma * gamma;
        return (power_of(a) * q) * fma(square * q, u, a * fma(-gamma, u, most));
    }
    template <class Target>
    void logistic_slopes_along(const SampleAlong<T>& at, Target y, T* r) const noexcept {
        for (std::size_t j = 0; j < at.n; ++j) {
            const T z = at.z[j];
            const T a = at.a[j];
            const T q = first_lane(logistic(broadcast(-z)));
            const T tail = first_lane(log1p(exp(broadcast(-magnitude(z)))));
            const T t = (z < T{0} ? -z : T{0}) + tail;
            const T u = (z > T{0} ? z : T{0}) + tail;
            const T no = T{1} - y(j);
            const T if_no = curve_of_answer(a, q, u);
            const T if_yes = curve_of_answer(q, a, t);
            r[j] = fma(no, if_no, y(j) * if_yes) * at.R_z[j];
        }
    }
};

// ---- over the samples of a batch ----------------------------------------------------------------------------------

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

// A row of targets as the loss takes it.
template <Loss name, class Target>
ROSENBLATT_INLINE auto target_of(Target y) noexcept {
    if constexpr (facts(name).targets == TargetKind::signs) return signs(y);
    else return y;
}

// Losses with slopes dc/da; the backward pass through the output's activation is left to do.
template <class T, Loss name>
ROSENBLATT_INLINE void losses_by_a(const LossOf<name, T>& of, Targets<T> targets, const T* scale, Matrix<const T> A,
                                   double* c, Matrix<T> Delta) noexcept {
    const auto delta = [&](std::size_t i) noexcept { return Delta.data == nullptr ? nullptr : Delta.row(i); };
    if constexpr (requires { of.of_row(A.data, A.cols, A.data, T{}, Delta.data); }) {  // has no labels as targets
        for (std::size_t i = 0; i < A.rows; ++i)
            c[i] = of.of_row(A.row(i), A.cols, targets.Y.row(i), scale[i], delta(i));
    } else {
        for_targets(targets, 0, A.rows, A.cols == 1, [&](std::size_t i, auto target) noexcept {
            const auto y = target_of<name>(target);
            if constexpr (requires { of.f(Pack<T>{}); })
                c[i] = over_registers<T>(A.row(i), A.cols, y, scale[i], delta(i), of);
            else c[i] = over_outputs<T>(A.row(i), A.cols, y, scale[i], delta(i), of);
            if constexpr (requires { of.factor; }) c[i] = of.factor * c[i];
        });
    }
}

// Losses of logistic outputs with slopes dc/dz: each output is a yes-or-no question.
template <class T, class L>
ROSENBLATT_INLINE void losses_of_logistic(const L& of, Matrix<const T> Z, Targets<T> targets, const T* scale,
                                          Matrix<const T> A, double* c, Matrix<T> Delta) noexcept {
    for_targets(targets, 0, Z.rows, Z.cols == 1, [&](std::size_t i, auto y) noexcept {
        c[i] = of.of_logistic(Z.row(i), A.row(i), Z.cols, y, scale[i], Delta.data == nullptr ? nullptr : Delta.row(i));
    });
}

// The log loss of a single output without gaps between the samples, which fill registers.
template <class T>
void log_losses_of_column(Vector<const T> z, Targets<T> targets, const T* scale, Matrix<const T> A, double* c,
                          Matrix<T> Delta) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    for (std::size_t first = 0; first < z.size; first += width) {
        const std::size_t last = z.size - first < width ? z.size : first + width;
        T log1p_exp[width];
        log1p_exp_of(z.data + first, last - first, log1p_exp);
        for_targets(targets, first, last, true, [&](std::size_t i, auto y) noexcept {
            T* const delta = Delta.data == nullptr ? nullptr : Delta.row(i);
            c[i] = 0.0 + static_cast<double>(logistic_log_loss_of_output(z.data[i], A.row(i)[0], y(0),
                                                                         log1p_exp[i - first], scale[i], delta));
        });
    }
}

template <class T>
void loss(LossRule rule, Activation output, Matrix<const T> Z, Targets<T> targets, const T* scale, Matrix<T> A,
          double* c, Matrix<T> Delta) noexcept {
    const bool softmax_by_z = slopes_by_z(rule.loss) && output == Activation::softmax;
    if (!softmax_by_z) activate(output, Z, A);
    if (rule.loss == Loss::log_loss && !softmax_by_z && rule.parameters[0] == 0 && Z.cols == 1 && Z.stride == 1)
        return log_losses_of_column<T>({Z.data, Z.rows}, targets, scale, A, c, Delta);
    with_loss<T>(rule, [&]<Loss name>(const LossOf<name, T>& of) ROSENBLATT_BODY {
        if constexpr (!slopes_by_z(name)) {
            losses_by_a<T>(of, targets, scale, A, c, Delta);
        } else if (softmax_by_z) {
            softmax_losses(Z, targets, scale, A, c, Delta,
                           [&](const SoftmaxRow<T>& row, auto y, T s, T* delta) noexcept {
                               return of.of_softmax(row, y, s, delta);
                           });
        } else if constexpr (name != Loss::kl_divergence) {
            losses_of_logistic<T>(of, Z, targets, scale, A, c, Delta);
        }
    });
    if (!slopes_by_z(rule.loss) && Delta.data != nullptr)
        activation_backward<T>(output, derivative_from_z(output) ? Z : Matrix<const T>(A), Delta);
}

template <class T>
void loss_slopes_along(LossRule rule, Activation output, const LayerAlong<T>& at, Targets<T> targets, const T* scale,
                       Matrix<T> R_slope) noexcept {
    const std::size_t n = R_slope.cols;
    const bool softmax = output == Activation::softmax;
    with_loss<T>(rule, [&]<Loss name>(const LossOf<name, T>& of) {
        for_targets(targets, 0, R_slope.rows, !softmax && n == 1, [&](std::size_t i, auto target) noexcept {
            const auto y = target_of<name>(target);
            const SampleAlong<T> sample{n, at.Z.row(i), at.A.row(i), at.R_Z.row(i), at.R_A.row(i)};
            T* const r = R_slope.row(i);
            if constexpr (requires { of.slope_along(T{}, T{}, T{}); })
                for (std::size_t j = 0; j < n; ++j) r[j] = of.slope_along(sample.a[j], y(j), sample.R_a[j]);
            else of.slopes_along(sample, y, softmax, r);
            for (std::size_t j = 0; j < n; ++j) r[j] *= scale[i];
        });
    });
}

}  // namespace
}  // namespace rosenblatt
