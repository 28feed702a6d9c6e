// Scaling: statistics of the columns in float64, sums in the order of the rows.
#include "model/scaling.hpp"

#include <algorithm>
#include <cmath>

#include "base/float_mode.hpp"
#include "model/forward.hpp"

namespace rosenblatt {

template <class T>
void Scaling<T>::scale(Matrix<const T> from, Matrix<T> to) const noexcept {
    for (std::size_t i = 0; i < from.rows; ++i)
        for (std::size_t j = 0; j < size(); ++j)
            to.row(i)[j] = (from.row(i)[j] - offset_.data()[j]) * factor_.data()[j];
}

template <class T>
void Scaling<T>::unscale(Matrix<T> rows) const noexcept {
    for (std::size_t i = 0; i < rows.rows; ++i)
        for (std::size_t j = 0; j < size(); ++j)
            rows.row(i)[j] = rows.row(i)[j] / factor_.data()[j] + offset_.data()[j];
}

template <class T>
void Scaling<T>::multiply_by_factor(Matrix<T> rows) const noexcept {
    for (std::size_t i = 0; i < rows.rows; ++i)
        for (std::size_t j = 0; j < size(); ++j) rows.row(i)[j] *= factor_.data()[j];
}

template <class T>
void Scaling<T>::divide_by_factor(Matrix<T> rows) const noexcept {
    for (std::size_t i = 0; i < rows.rows; ++i)
        for (std::size_t j = 0; j < size(); ++j) rows.row(i)[j] /= factor_.data()[j];
}

namespace {

// Some columns of X (n, cols), and the destinations of their offset and factor.
template <class T>
struct Columns {
    Matrix<const T> X;
    double* offset;
    double* factor;

    template <class F>
    void each(F f) const noexcept {  // row after row: a column's numbers come in order
        for (std::size_t i = 0; i < X.rows; ++i)
            for (std::size_t j = 0; j < X.cols; ++j) f(j, static_cast<double>(X.row(i)[j]));
    }
};

template <class T>
void mean_and_deviation(const Columns<T>& of) noexcept {
    const auto n = static_cast<double>(of.X.rows);
    std::fill_n(of.offset, of.X.cols, 0.0);
    of.each([&](std::size_t j, double x) noexcept { of.offset[j] += x; });
    for (std::size_t j = 0; j < of.X.cols; ++j) of.offset[j] /= n;
    std::fill_n(of.factor, of.X.cols, 0.0);
    of.each([&](std::size_t j, double x) noexcept {
        const double d = x - of.offset[j];
        of.factor[j] = std::fma(d, d, of.factor[j]);
    });
    for (std::size_t j = 0; j < of.X.cols; ++j) of.factor[j] = 1 / std::sqrt(of.factor[j] / n);
}

// The number at p (n - 1) of n sorted ones, between its neighbours on a straight line.
double quantile(const double* sorted, std::size_t n, double p) noexcept {
    const double position = static_cast<double>(n - 1) * p;
    const auto below = static_cast<std::size_t>(position);
    if (below + 1 == n) return sorted[below];
    return std::fma(position - static_cast<double>(below), sorted[below + 1] - sorted[below], sorted[below]);
}

// `column` (n,) is scratch.
template <class T>
void median_and_quartiles(const Columns<T>& of, double* column) noexcept {
    const std::size_t n = of.X.rows;
    for (std::size_t j = 0; j < of.X.cols; ++j) {
        for (std::size_t i = 0; i < n; ++i) column[i] = static_cast<double>(of.X.row(i)[j]);
        std::sort(column, column + n);
        const double spread = quantile(column, n, 0.75) - quantile(column, n, 0.25);
        of.offset[j] = quantile(column, n, 0.5);
        of.factor[j] = spread == 0 ? 1 : 1 / spread;
    }
}

// lowest, highest (cols,)
template <class T>
void extremes(const Columns<T>& of, double* lowest, double* highest) noexcept {
    for (std::size_t j = 0; j < of.X.cols; ++j) lowest[j] = highest[j] = static_cast<double>(of.X.row(0)[j]);
    of.each([&](std::size_t j, double x) noexcept {
        lowest[j] = std::min(lowest[j], x);
        highest[j] = std::max(highest[j], x);
    });
}

}  // namespace

template <class T>
void fit(ScalingRule rule, Matrix<const T> X, Vector<double> offset, Vector<double> factor, Team& team) {
    constexpr std::size_t columns_at_once = 16;  // a cache line or two of a row
    const std::size_t n_tiles = (X.cols + columns_at_once - 1) / columns_at_once;
    const double work = 32 * static_cast<double>(X.rows) * static_cast<double>(columns_at_once);
    const std::size_t column_size = rule == ScalingRule::robust ? X.rows : 0;
    team.tiles_with_scratch<double>(n_tiles, work, column_size, [&](std::size_t tile, double* column) noexcept {
        const std::size_t first = tile * columns_at_once;
        const std::size_t count = std::min(columns_at_once, X.cols - first);
        const Columns<T> of{{X.data + first, X.rows, count, X.stride}, offset.data + first, factor.data + first};
        double lowest[columns_at_once];
        double highest[columns_at_once];
        extremes(of, lowest, highest);
        switch (rule) {
            case ScalingRule::standard:
                mean_and_deviation(of);
                break;
            case ScalingRule::minmax:
                for (std::size_t j = 0; j < count; ++j) {
                    of.offset[j] = lowest[j];
                    of.factor[j] = 1 / (highest[j] - lowest[j]);
                }
                break;
            case ScalingRule::robust:
                median_and_quartiles(of, column);
                break;
        }
        for (std::size_t j = 0; j < count; ++j) {
            if (lowest[j] == highest[j]) {
                of.offset[j] = lowest[j];
                of.factor[j] = 1;
            }
            of.offset[j] += 0.0;  // which of two zeros came first does not matter
        }
    });
}

namespace {

// `from` itself without a scaling, a scaled copy in `scratch` with one.
template <class T>
Matrix<const T> scaled(Matrix<const T> from, const std::optional<Scaling<T>>& scaling, Buffer<T>& scratch) {
    if (!scaling || from.data == nullptr) return from;
    const FloatMode mode;  // wherever the caller is
    scratch = Buffer<T>(from.rows * from.cols);
    scaling->scale(from, scratch.matrix(from.rows, from.cols));
    return scratch.matrix(from.rows, from.cols);
}

// The same for stored elements; the others stay 0.
template <class T>
CsrView<T> scaled(CsrView<T> from, const std::optional<Scaling<T>>& scaling, Buffer<T>& scratch) {
    if (!scaling) return from;
    const FloatMode mode;
    const auto n = static_cast<std::size_t>(from.start[from.rows]);
    scratch = Buffer<T>(n);
    const Vector<const T> factor = scaling->factor();
    for (std::size_t t = 0; t < n; ++t)
        scratch.data()[t] = from.value[t] * factor[static_cast<std::size_t>(from.column[t])];
    from.value = scratch.data();
    return from;
}

}  // namespace

template <class T>
ScaledSamples<T>::ScaledSamples(Samples<T> samples, const Scalings<T>& scalings) : samples_(samples) {
    if (samples.is_sparse()) samples_.sparse = scaled(samples.sparse, scalings.inputs, X_);
    else samples_.X = scaled(samples.X, scalings.inputs, X_);
    samples_.Y.Y = scaled(samples.Y.Y, scalings.targets, Y_);
}

template <class T>
void predict(const Network<T>& network, const Scalings<T>& scalings, Matrix<const T> X, Matrix<T> A, Team& team) {
    if (!scalings.inputs) {
        predict(network, X, A, team);
    } else {
        constexpr std::size_t rows_of_a_slice = 1024;  // a copy of X in slices; each is worth a copy of the weights
        const std::size_t rows = std::min(X.rows, rows_of_a_slice);
        Scratch<T> scratch(rows * X.cols);
        for (std::size_t first = 0; first < X.rows; first += rows) {
            const std::size_t n = std::min(rows, X.rows - first);
            const Matrix<T> scaled_rows{scratch.data(), n, X.cols, X.cols};
            scalings.inputs->scale(X.slice(first, n), scaled_rows);
            predict<T>(network, scaled_rows, A.slice(first, n), team);
        }
    }
    if (scalings.targets) scalings.targets->unscale(A);
}

template <class T>
void predict(const Network<T>& network, const Scalings<T>& scalings, const CsrView<T>& X, Matrix<T> A, Team& team) {
    Buffer<T> scratch;
    predict(network, scaled(X, scalings.inputs, scratch), A, team);
    if (scalings.targets) scalings.targets->unscale(A);
}

template class Scaling<float>;
template class Scaling<double>;
template void fit(ScalingRule, Matrix<const float>, Vector<double>, Vector<double>, Team&);
template void fit(ScalingRule, Matrix<const double>, Vector<double>, Vector<double>, Team&);
template class ScaledSamples<float>;
template class ScaledSamples<double>;
template void predict(const Network<float>&, const Scalings<float>&, const CsrView<float>&, Matrix<float>, Team&);
template void predict(const Network<double>&, const Scalings<double>&, const CsrView<double>&, Matrix<double>, Team&);
template void predict(const Network<float>&, const Scalings<float>&, Matrix<const float>, Matrix<float>, Team&);
template void predict(const Network<double>&, const Scalings<double>&, Matrix<const double>, Matrix<double>, Team&);

}  // namespace rosenblatt
