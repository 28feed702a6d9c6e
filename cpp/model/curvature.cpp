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
    const bool from_z = derivative_from_z(f);
    kernels<T>().add_slope_along(f, from_z ? layer.Z : layer.A, from_z ? layer.R_Z : layer.R_A, G, R_Delta);
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
