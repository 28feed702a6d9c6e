// Losses: the loss of each sample, in float64, and delta of the output layer (docs/arithmetic.md, section 4).
#pragma once

#include "kernels/activation.inl"
#include "kernels/table.hpp"
#include "simd/math.hpp"

namespace rosenblatt {
namespace {

// What one sample brings to its loss: n = n_outputs numbers each; delta is null where only the loss is wanted.
template <class T>
struct Sample {
    std::size_t n;
    const T* z;
    const T* a;
    T scale;
    T* delta;
};

// f of one number, through the code that serves a whole register.
template <class T, class F>
ROSENBLATT_INLINE T one_lane(T x, F f) noexcept {
    return f(broadcast(x)).raw[0];
}

// c = 1/2 |a - y|^2; delta = (a - y) scale, still to go through the output's activation. y(j): (n_outputs,).
template <class T, class Target>
ROSENBLATT_INLINE double squared_error(Sample<T> s, Target y) noexcept {
    double sum = 0;
    for (std::size_t j = 0; j < s.n; ++j) {
        const T d = s.a[j] - y(j);
        sum = fma(static_cast<double>(d), static_cast<double>(d), sum);
        if (s.delta != nullptr) s.delta[j] = d * s.scale;
    }
    return 0.5 * sum;
}

// c = -sum_j y_j ln a_j with ln a_j = z_j - m - ln S; delta_j = (a_j sum y - y_j) scale.
template <class T, class Target>
ROSENBLATT_INLINE double softmax_log_loss(Sample<T> s, Target y) noexcept {
    const T m = largest(s.z, s.n);
    T S = 0;
    constexpr std::size_t width = Pack<T>::width;
    for (std::size_t j = 0; j < s.n; j += width) {
        const std::size_t lanes = s.n - j < width ? s.n - j : width;
        T e[width];
        store(e, exp(load(s.z + j, lanes) - broadcast(m)));
        for (std::size_t i = 0; i < lanes; ++i) S += e[i];
    }
    const T log_S = one_lane(S, [](Pack<T> x) { return log(x); });
    double sum = 0;
    T total = 0;
    for (std::size_t j = 0; j < s.n; ++j) {
        total += y(j);
        if (y(j) != T{0}) sum = fma(static_cast<double>(y(j)), static_cast<double>(log_S - (s.z[j] - m)), sum);
    }
    if (s.delta != nullptr)
        for (std::size_t j = 0; j < s.n; ++j) s.delta[j] = fma(s.a[j], total, -y(j)) * s.scale;
    return sum;
}

// c = -sum_j (y_j ln a_j + (1 - y_j) ln(1 - a_j)) = sum_j (max(z_j, 0) - y_j z_j + ln(1 + e^-|z_j|)); delta_j = (a_j - y_j) scale.
template <class T, class Target>
ROSENBLATT_INLINE double logistic_log_loss(Sample<T> s, Target y) noexcept {
    double sum = 0;
    for (std::size_t j = 0; j < s.n; ++j) {
        const T z = s.z[j];
        const T tail = one_lane(z, [](Pack<T> x) { return log1p(exp(zero<T>() - abs(x))); });
        const T t = fma(-y(j), z, z > T{0} ? z : T{0}) + tail;
        sum += static_cast<double>(t);
        if (s.delta != nullptr) s.delta[j] = (s.a[j] - y(j)) * s.scale;
    }
    return sum;
}

template <class T, class Target>
ROSENBLATT_INLINE double sample_loss(Loss loss, Activation output, Sample<T> s, Target y) noexcept {
    switch (loss) {
        case Loss::squared_error:
            return squared_error(s, y);
        case Loss::log_loss:
            return output == Activation::softmax ? softmax_log_loss(s, y) : logistic_log_loss(s, y);
    }
    __builtin_unreachable();
}

template <class T>
void loss(Loss loss, Activation output, Matrix<const T> Z, Matrix<const T> A, Targets<T> targets, const T* scale,
          double* c, Matrix<T> Delta) noexcept {
    // A label is the row with 1 at the label. For a single logistic output it is the target itself: 1 at position 0
    // for label 1, nowhere for label 0.
    const bool single_logistic = output == Activation::logistic && A.cols == 1;
    for (std::size_t i = 0; i < A.rows; ++i) {
        const Sample<T> sample{A.cols, Z.row(i), A.row(i), scale[i], Delta.data == nullptr ? nullptr : Delta.row(i)};
        if (targets.labels == nullptr) {
            const T* const y = targets.Y.row(i);
            c[i] = sample_loss(loss, output, sample, [y](std::size_t j) { return y[j]; });
        } else {
            const auto hit = single_logistic ? 1 - targets.labels[i] : targets.labels[i];
            c[i] = sample_loss(loss, output, sample,
                               [hit](std::size_t j) { return static_cast<std::int64_t>(j) == hit ? T{1} : T{0}; });
        }
    }
    if (Delta.data != nullptr && loss == Loss::squared_error) through_activation(output, A, Delta);
}

}  // namespace
}  // namespace rosenblatt
