// Losses: the output's activation, the loss of each sample in float64, and delta of the output layer (docs/arithmetic.md,
// section 4).
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

// c = 1/2 |a - y|^2; delta = (a - y) scale, still to go through the output's activation. a, delta (n,); delta may be null.
template <class T, class Target>
ROSENBLATT_INLINE double squared_error(const T* a, std::size_t n, Target y, T scale, T* delta) noexcept {
    double sum = 0;
    for (std::size_t j = 0; j < n; ++j) {
        const T d = a[j] - y(j);
        sum = fma(static_cast<double>(d), static_cast<double>(d), sum);
        if (delta != nullptr) delta[j] = d * scale;
    }
    return 0.5 * sum;
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
        T tail[width];
        store(tail, log1p(exp(zero<T>() - abs(load(z + j, lanes)))));
        for (std::size_t i = j; i < j + lanes; ++i) {
            const T t = fma(-y(i), z[i], z[i] > T{0} ? z[i] : T{0}) + tail[i - j];
            sum += static_cast<double>(t);
            if (delta != nullptr) delta[i] = (a[i] - y(i)) * scale;
        }
    }
    return sum;
}

// c = -sum_j y_j ln a_j with -ln a_j = ln S - (z_j - m); delta_j = (a_j sum y - y_j) scale. z, a, delta (n,); delta may be
// null.
template <class T>
ROSENBLATT_INLINE double softmax_log_loss(const T* z, const T* a, std::size_t n, TargetRow<T> target, T m, T log_S,
                                          T scale, T* delta) noexcept {
    const T* const y = target.y;
    double sum = 0;
    T total = 0;
    for (std::size_t j = 0; j < n; ++j) {
        total += y[j];
        if (y[j] != T{0}) sum = fma(static_cast<double>(y[j]), static_cast<double>(log_S - (z[j] - m)), sum);
    }
    if (delta != nullptr) {
        const auto step = [=](Pack<T> p, Pack<T> t) {
            return fma(p, broadcast(total), zero<T>() - t) * broadcast(scale);
        };
        for (std::size_t j = 0; j < n; ++j) delta[j] = y[j];
        combine(a, n, delta, step);
    }
    return sum;
}

// The same for a label: y is 1 there and 0 elsewhere, and so is the sum of one product.
template <class T>
ROSENBLATT_INLINE double softmax_log_loss(const T* z, const T* a, std::size_t n, LabelRow<T> target, T m, T log_S,
                                          T scale, T* delta) noexcept {
    const std::int64_t label = target.label;
    if (delta != nullptr) {
        map(a, n, delta, [=](Pack<T> p) { return p * broadcast(scale); });
        delta[label] = (a[label] - T{1}) * scale;
    }
    return static_cast<double>(log_S - (z[label] - m));
}

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

// Softmax and its loss together, so that each e^z is computed once; the logarithms of a register's worth of samples at a
// time.
template <class T>
void softmax_log_losses(Matrix<const T> Z, Targets<T> targets, const T* scale, Matrix<T> A, double* c,
                        Matrix<T> Delta) noexcept {
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
            c[i] = softmax_log_loss(Z.row(i), A.row(i), Z.cols, y, m[i - first], log_S[i - first], scale[i],
                                    Delta.data == nullptr ? nullptr : Delta.row(i));
        });
    }
}

template <class T>
void loss(Loss loss, Activation output, Matrix<const T> Z, Targets<T> targets, const T* scale, Matrix<T> A, double* c,
          Matrix<T> Delta) noexcept {
    const auto delta = [&](std::size_t i) noexcept { return Delta.data == nullptr ? nullptr : Delta.row(i); };
    if (loss == Loss::log_loss && output == Activation::softmax)
        return softmax_log_losses(Z, targets, scale, A, c, Delta);
    activate(output, Z, A);
    switch (loss) {
        case Loss::squared_error:
            for_targets(targets, 0, Z.rows, false, [&](std::size_t i, auto y) noexcept {
                c[i] = squared_error<T>(A.row(i), Z.cols, y, scale[i], delta(i));
            });
            if (Delta.data != nullptr) through_activation<T>(output, A, Delta);
            break;
        case Loss::log_loss:
            for_targets(targets, 0, Z.rows, Z.cols == 1, [&](std::size_t i, auto y) noexcept {
                c[i] = logistic_log_loss<T>(Z.row(i), A.row(i), Z.cols, y, scale[i], delta(i));
            });
            break;
    }
}

}  // namespace
}  // namespace rosenblatt
