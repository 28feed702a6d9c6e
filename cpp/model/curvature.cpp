// Curvature: plain loops, for nobody waits for a second derivative; exp and log are the kernels'.
#include "model/curvature.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace rosenblatt {

namespace {

// The functions of the kernels for one number: the same bits as in a register.
template <class T>
T exp_of(T x) noexcept {
    T y;
    kernels<T>().exp(&x, 1, &y);
    return y;
}
template <class T>
T log_of(T x) noexcept {
    T y;
    kernels<T>().log(&x, 1, &y);
    return y;
}
template <class T>
T logistic_of(T x) noexcept {
    T y;
    kernels<T>().logistic(&x, 1, &y);
    return y;
}
template <class T>
T log1p_of(T x) noexcept {
    T y;
    kernels<T>().log1p(&x, 1, &y);
    return y;
}

// z where f'' of the smooth ones is not 0 in either type: beyond 1000 there is nothing left of e^-z.
template <class T>
T kept_within(T z) noexcept {
    constexpr T flat = 1000;
    return std::clamp(z, -flat, flat);
}

// ---- R{f'(z)} of one number, from a and R{a} or from z and R{z} ---------------------------------------------------

template <class T>
T logistic_change(T a, T R_a) noexcept {
    return std::fma(T{-2}, a, T{1}) * R_a;
}

template <class T>
T tanh_change(T a, T R_a) noexcept {
    return (T{-2} * a) * R_a;
}

// f' = a and a constant below 0: elu and selu.
template <class T>
T elu_change(T a, T R_a) noexcept {
    return a > T{0} ? T{0} : R_a;
}

// f' = 1 - e^-a.
template <class T>
T softplus_change(T a, T R_a) noexcept {
    return exp_of(-a) * R_a;
}

// f' = (1 - |a|)^2.
template <class T>
T softsign_change(T a, T R_a) noexcept {
    const T steepness = T{-2} * (T{1} - std::abs(a));
    return (a > T{0} ? steepness : -steepness) * R_a;
}

// phi(z) (2 - z^2).
template <class T>
T gelu_change(T z, T R_z) noexcept {
    const T y = kept_within(z);
    const T density = exp_of((T{-0.5} * y) * y) * static_cast<T>(density_at_0);
    return (density * std::fma(-y, y, T{2})) * R_z;
}

// s' (2 v' + z ((1 - 2 s) v'^2 + v'')) for s = logistic(v(z)), s' = s (1 - s).
template <class T>
T gelu_tanh_change(T z, T R_z) noexcept {
    const T y = kept_within(z);
    const T square = y * y;
    const T s = logistic_of(y * std::fma(square, static_cast<T>(gelu_cubic), static_cast<T>(gelu_linear)));
    const T v_1 = std::fma(square, static_cast<T>(3 * gelu_cubic), static_cast<T>(gelu_linear));
    const T v_2 = static_cast<T>(6 * gelu_cubic) * y;
    const T inner = std::fma(std::fma(T{-2}, s, T{1}) * v_1, v_1, v_2);
    return ((s * (T{1} - s)) * std::fma(y, inner, T{2} * v_1)) * R_z;
}

// s (1 - s) (2 + z (1 - 2 s)) for s = logistic(z).
template <class T>
T silu_change(T z, T R_z) noexcept {
    const T y = kept_within(z);
    const T s = logistic_of(y);
    return ((s * (T{1} - s)) * std::fma(y, std::fma(T{-2}, s, T{1}), T{2})) * R_z;
}

// t' (2 + z ((1 - s) - 2 t s)) for t = tanh(ln(1 + e^z)) = N / D, s = logistic(z), t' = (1 - t^2) s = 4 k (1 + e) /
// D^2.
template <class T>
T mish_change(T z, T R_z) noexcept {
    const T y = kept_within(z);
    const bool positive = y >= T{0};
    const T e = exp_of(-std::abs(y));
    const T twice = e + e;
    const T N = positive ? T{1} + twice : std::fma(e, e, twice);
    const T D = positive ? std::fma(twice, e, N) : N + T{2};
    const T k = positive ? e * e : e;
    const T steepness = ((T{4} * k) * (T{1} + e)) / (D * D);
    const T s = logistic_of(y);
    const T inner = std::fma(T{-2} * (N / D), s, T{1} - s);
    return (steepness * std::fma(y, inner, T{2})) * R_z;
}

// -sin(z), which is -a.
template <class T>
T sin_change(T a, T R_z) noexcept {
    return -a * R_z;
}

// ---- g R{f'(z)} of one row, added to R_delta ----------------------------------------------------------------------

// x and R_x are a and R{a}, or z and R{z}.
template <class T>
void add_bend(std::size_t n, const T* x, const T* R_x, const T* g, T* R_delta, T (*change)(T, T) noexcept) noexcept {
    for (std::size_t j = 0; j < n; ++j) R_delta[j] += g[j] * change(x[j], R_x[j]);
}

// R{a_j (g_j - q)} = ... + R{a_j} (g_j - q) - a_j p with q = sum_i g_i a_i, p = sum_i g_i R{a_i}.
template <class T>
void add_bend_of_softmax(std::size_t n, const T* a, const T* R_a, const T* g, T* R_delta) noexcept {
    T q = 0;
    T p = 0;
    for (std::size_t j = 0; j < n; ++j) {
        q = std::fma(g[j], a[j], q);
        p = std::fma(g[j], R_a[j], p);
    }
    for (std::size_t j = 0; j < n; ++j) R_delta[j] += std::fma(-a[j], p, R_a[j] * (g[j] - q));
}

// R{g_j - p_j sum_i g_i} = ... - R{p_j} sum_i g_i with p = e^a, R{p_j} = p_j R{a_j}.
template <class T>
void add_bend_of_log_softmax(std::size_t n, const T* a, const T* R_a, const T* g, T* R_delta) noexcept {
    T total = 0;
    for (std::size_t j = 0; j < n; ++j) total += g[j];
    for (std::size_t j = 0; j < n; ++j) R_delta[j] += -((exp_of(a[j]) * R_a[j]) * total);
}

}  // namespace

template <class T>
void activation_along(Activation f, Matrix<const T> Z, Matrix<const T> A, Matrix<const T> R_Z, Matrix<T> R_A) noexcept {
    for (std::size_t i = 0; i < R_A.rows; ++i) std::copy_n(R_Z.row(i), R_A.cols, R_A.row(i));
    if (f != Activation::log_softmax) {  // da/dz is symmetric
        kernels<T>().activation_backward(f, derivative_from_z(f) ? Z : A, R_A);
        return;
    }
    for (std::size_t i = 0; i < R_A.rows; ++i) {
        T mean = 0;
        for (std::size_t j = 0; j < R_A.cols; ++j) mean = std::fma(exp_of(A.row(i)[j]), R_Z.row(i)[j], mean);
        for (std::size_t j = 0; j < R_A.cols; ++j) R_A.row(i)[j] -= mean;
    }
}

template <class T>
void delta_along(Activation f, const LayerAlong<T>& layer, Matrix<const T> G, Matrix<T> R_Delta) noexcept {
    kernels<T>().activation_backward(f, derivative_from_z(f) ? layer.Z : layer.A, R_Delta);
    const std::size_t n = G.cols;
    for (std::size_t i = 0; i < G.rows; ++i) {
        const T* const z = layer.Z.row(i);
        const T* const a = layer.A.row(i);
        const T* const R_z = layer.R_Z.row(i);
        const T* const R_a = layer.R_A.row(i);
        const T* const g = G.row(i);
        T* const R_delta = R_Delta.row(i);
        switch (f) {
            case Activation::identity:
            case Activation::relu:
            case Activation::leaky_relu:
            case Activation::hard_sigmoid:
            case Activation::hard_tanh:
            case Activation::relu6:
            case Activation::step:
                for (std::size_t j = 0; j < n; ++j) R_delta[j] += T{0};
                break;
            case Activation::logistic:
                add_bend(n, a, R_a, g, R_delta, &logistic_change<T>);
                break;
            case Activation::tanh:
                add_bend(n, a, R_a, g, R_delta, &tanh_change<T>);
                break;
            case Activation::elu:
            case Activation::selu:
                add_bend(n, a, R_a, g, R_delta, &elu_change<T>);
                break;
            case Activation::softplus:
                add_bend(n, a, R_a, g, R_delta, &softplus_change<T>);
                break;
            case Activation::softsign:
                add_bend(n, a, R_a, g, R_delta, &softsign_change<T>);
                break;
            case Activation::gelu:
                add_bend(n, z, R_z, g, R_delta, &gelu_change<T>);
                break;
            case Activation::gelu_tanh:
                add_bend(n, z, R_z, g, R_delta, &gelu_tanh_change<T>);
                break;
            case Activation::silu:
                add_bend(n, z, R_z, g, R_delta, &silu_change<T>);
                break;
            case Activation::mish:
                add_bend(n, z, R_z, g, R_delta, &mish_change<T>);
                break;
            case Activation::sin:
                add_bend(n, a, R_z, g, R_delta, &sin_change<T>);
                break;
            case Activation::softmax:
                add_bend_of_softmax(n, a, R_a, g, R_delta);
                break;
            case Activation::log_softmax:
                add_bend_of_log_softmax(n, a, R_a, g, R_delta);
                break;
            case Activation::custom:  // has_second_derivative says that there is none
                break;
        }
    }
}

namespace {

// One sample of the output: what its slopes are computed from. z, a, R_z, R_a (n,).
template <class T>
struct SampleAlong {
    std::size_t n;
    const T* z;
    const T* a;
    const T* R_z;
    const T* R_a;
};

// A sample's target as a row: its numbers, or what its label stands for.
template <class T>
struct TargetOf {
    const T* row;
    std::int64_t label;
    T elsewhere;

    T operator()(std::size_t j) const noexcept {
        if (row != nullptr) return row[j];
        return static_cast<std::int64_t>(j) == label ? T{1} : elsewhere;
    }
};

// A label of one output that is no softmax: 1 is the answer 1, 0 is none.
template <class T>
TargetOf<T> target_of(Targets<T> targets, std::size_t i, LossRule rule, bool label_is_target) noexcept {
    if (targets.labels == nullptr) return {targets.Y.row(i), 0, T{0}};
    const bool signs = rule.loss == Loss::hinge || rule.loss == Loss::squared_hinge;
    const std::int64_t label = targets.labels[i];
    return {nullptr, label_is_target ? 1 - label : label, signs ? T{-1} : T{0}};
}

// q^gamma for 0 <= q <= 1; 0^0 is 1.
template <class T>
T power(T q, T gamma) noexcept {
    if (q < std::numeric_limits<T>::min()) return gamma == T{0} ? T{1} : T{0};
    return exp_of(gamma * log_of(q));
}

// R{u h} of the means and R{(1 - u^2) / 2} of the logarithms s of the variances, with h = e^(-s/2), u = (mu - y) h.
template <class T>
void gaussian_nll(const SampleAlong<T>& at, TargetOf<T> y, T* r) noexcept {
    const std::size_t K = at.n / 2;
    for (std::size_t k = 0; k < K; ++k) {
        const T h = exp_of(T{-0.5} * at.a[K + k]);
        const T u = (at.a[k] - y(k)) * h;
        const T half = T{-0.5} * u;
        const T R_s = at.R_a[K + k];
        const T R_u = std::fma(h, at.R_a[k], half * R_s);
        r[k] = h * std::fma(half, R_s, R_u);
        r[K + k] = -(u * R_u);
    }
}

// R{(cos e_j - y_j / |y|) / |a|} with e = a / |a|, in float64.
template <class T>
void cosine(const SampleAlong<T>& at, TargetOf<T> y, T* r) noexcept {
    double aa = 0;
    double yy = 0;
    double ay = 0;
    for (std::size_t j = 0; j < at.n; ++j) {
        const auto a_j = static_cast<double>(at.a[j]);
        const auto y_j = static_cast<double>(y(j));
        aa = std::fma(a_j, a_j, aa);
        yy = std::fma(y_j, y_j, yy);
        ay = std::fma(a_j, y_j, ay);
    }
    const double size_a = std::sqrt(aa);
    const double size_y = std::sqrt(yy);
    if (size_a == 0) {
        std::fill_n(r, at.n, T{0});
        return;
    }
    const double cos = ay / size_a / size_y;
    const auto e = [&](std::size_t j) noexcept { return static_cast<double>(at.a[j]) / size_a; };
    const auto slope = [&](std::size_t j) noexcept {
        return (cos * e(j) - static_cast<double>(y(j)) / size_y) / size_a;
    };
    double R_size = 0;
    double R_a_slope = 0;
    for (std::size_t j = 0; j < at.n; ++j) {
        const auto R_j = static_cast<double>(at.R_a[j]);
        R_size = std::fma(e(j), R_j, R_size);
        R_a_slope = std::fma(slope(j), R_j, R_a_slope);
    }
    const double R_cos = -R_a_slope;
    for (std::size_t j = 0; j < at.n; ++j) {
        const double R_e = (static_cast<double>(at.R_a[j]) - e(j) * R_size) / size_a;
        r[j] = static_cast<T>((R_cos * e(j) + cos * R_e - slope(j) * R_size) / size_a);
    }
}

// R{a_j} sum_i y_i, where a share p of every answer is spread over the classes.
template <class T>
void log_loss_of_softmax(const SampleAlong<T>& at, TargetOf<T> y, double p, T* r) noexcept {
    const T keep = static_cast<T>(1 - p);
    const T share = static_cast<T>(p / static_cast<double>(at.n));
    T total = 0;
    for (std::size_t j = 0; j < at.n; ++j) total += p == 0 ? y(j) : std::fma(y(j), keep, share);
    for (std::size_t j = 0; j < at.n; ++j) r[j] = at.R_a[j] * total;
}

// R{r_k - a_k sum_j r_j} with r_j = -y_j (q^gamma + gamma a_j t_j q^(gamma - 1)), q = 1 - a_j, t_j = -ln a_j.
template <class T>
void focal_of_softmax(const SampleAlong<T>& at, TargetOf<T> y, T gamma, T* r) noexcept {
    const T m = *std::max_element(at.z, at.z + at.n);
    T S = 0;
    for (std::size_t j = 0; j < at.n; ++j) S += exp_of(at.z[j] - m);
    const T log_S = log_of(S);
    T total = 0;
    T R_total = 0;
    for (std::size_t j = 0; j < at.n; ++j) {
        r[j] = 0;
        const T y_j = y(j);
        if (y_j == T{0}) continue;
        const T a = at.a[j];
        const T t = log_S - (at.z[j] - m);
        const T q = T{1} - a;
        const T w = power(q, gamma);
        const T ratio = q > T{0} ? t / q : T{0};
        total += -(y_j * (w * std::fma(gamma * a, ratio, T{1})));
        if (!(q > T{0})) continue;
        const T bent = std::fma((gamma - T{1}) * a, ratio, T{2} - t);
        r[j] = y_j * (((gamma * (w / q)) * bent) * at.R_a[j]);
        R_total += r[j];
    }
    for (std::size_t k = 0; k < at.n; ++k) r[k] = std::fma(-at.a[k], R_total, std::fma(-at.R_a[k], total, r[k]));
}

// The derivative of one answer's slope: w q (a (1 + 2 gamma - gamma u) + gamma^2 q u) for q = 1 - a, u = -ln q, w =
// a^gamma.
template <class T>
T curve_of_answer(T a, T q, T u, T gamma) noexcept {
    const T most = std::fma(T{2}, gamma, T{1});
    const T square = gamma * gamma;
    return (power(a, gamma) * q) * std::fma(square * q, u, a * std::fma(-gamma, u, most));
}

template <class T>
void focal_of_logistic(const SampleAlong<T>& at, TargetOf<T> y, T gamma, T* r) noexcept {
    for (std::size_t j = 0; j < at.n; ++j) {
        const T z = at.z[j];
        const T a = at.a[j];
        const T q = logistic_of(-z);
        const T tail = log1p_of(exp_of(-std::abs(z)));
        const T t = (z < T{0} ? -z : T{0}) + tail;
        const T u = (z > T{0} ? z : T{0}) + tail;
        const T no = T{1} - y(j);
        const T if_no = curve_of_answer(a, q, u, gamma);
        const T if_yes = curve_of_answer(q, a, t, gamma);
        r[j] = std::fma(no, if_no, y(j) * if_yes) * at.R_z[j];
    }
}

// R{slope} of one sample, r (n_outputs,).
template <class T>
void slope_along(LossRule rule, Activation output, const SampleAlong<T>& at, TargetOf<T> y, T* r) noexcept {
    const auto each = [&](auto f) noexcept {
        for (std::size_t j = 0; j < at.n; ++j) r[j] = f(at.a[j], y(j), at.R_a[j]);
    };
    switch (rule.loss) {
        case Loss::squared_error:
            each([](T, T, T R_a) { return R_a; });
            break;
        case Loss::absolute_error:
        case Loss::quantile:
        case Loss::hinge:
            each([](T, T, T) { return T{0}; });
            break;
        case Loss::huber:
            each([bend = static_cast<T>(rule.parameters[0])](T a, T y_j, T R_a) {
                const T d = a - y_j;
                return -bend <= d && d <= bend ? R_a : T{0};
            });
            break;
        case Loss::squared_hinge:
            each([](T a, T y_j, T R_a) { return std::fma(-y_j, a, T{1}) > T{0} ? T{2} * R_a : T{0}; });
            break;
        case Loss::poisson:
            if (rule.parameters[0] != 0) each([](T a, T, T R_a) { return exp_of(a) * R_a; });
            else each([](T a, T y_j, T R_a) { return y_j == T{0} ? T{0} : y_j / a / a * R_a; });
            break;
        case Loss::gaussian_nll:
            gaussian_nll(at, y, r);
            break;
        case Loss::cosine:
            cosine(at, y, r);
            break;
        case Loss::log_loss:
            if (output == Activation::softmax) log_loss_of_softmax(at, y, rule.parameters[0], r);
            else each([](T, T, T R_a) { return R_a; });
            break;
        case Loss::kl_divergence:
            log_loss_of_softmax(at, y, 0, r);
            break;
        case Loss::focal:
            if (output == Activation::softmax) focal_of_softmax(at, y, static_cast<T>(rule.parameters[0]), r);
            else focal_of_logistic(at, y, static_cast<T>(rule.parameters[0]), r);
            break;
    }
}

}  // namespace

template <class T>
void slopes_along(LossRule rule, Activation output, const LayerAlong<T>& layer, Targets<T> targets, const T* scale,
                  Matrix<T> R_slope) noexcept {
    const std::size_t n = R_slope.cols;
    const bool label_is_target = output != Activation::softmax && n == 1;
    for (std::size_t i = 0; i < R_slope.rows; ++i) {
        const SampleAlong<T> at{n, layer.Z.row(i), layer.A.row(i), layer.R_Z.row(i), layer.R_A.row(i)};
        T* const r = R_slope.row(i);
        slope_along(rule, output, at, target_of(targets, i, rule, label_is_target), r);
        for (std::size_t j = 0; j < n; ++j) r[j] *= scale[i];
    }
}

template void activation_along(Activation, Matrix<const float>, Matrix<const float>, Matrix<const float>,
                               Matrix<float>) noexcept;
template void activation_along(Activation, Matrix<const double>, Matrix<const double>, Matrix<const double>,
                               Matrix<double>) noexcept;
template void delta_along(Activation, const LayerAlong<float>&, Matrix<const float>, Matrix<float>) noexcept;
template void delta_along(Activation, const LayerAlong<double>&, Matrix<const double>, Matrix<double>) noexcept;
template void slopes_along(LossRule, Activation, const LayerAlong<float>&, Targets<float>, const float*,
                           Matrix<float>) noexcept;
template void slopes_along(LossRule, Activation, const LayerAlong<double>&, Targets<double>, const double*,
                           Matrix<double>) noexcept;

}  // namespace rosenblatt
