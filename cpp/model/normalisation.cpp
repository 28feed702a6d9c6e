// Normalisation: samples cut for a team where they are normalised by themselves, units where they are normalised over
// samples.
#include "model/normalisation.hpp"

#include <algorithm>

#include "kernels/table.hpp"

namespace rosenblatt {

namespace {

// Below a variance of about this the deviation counts as noise; what is usual. Source: PyTorch's default.
constexpr double eps = 1e-5;

// How much of the running statistics is that of the last batch. Source: the same.
constexpr double momentum = 0.1;

constexpr double work_of_a_number = 16;  // multiply-adds

// f(first, count) for parts of the columns in whole panels.
template <class T, class F>
void over_units(std::size_t n_units, std::size_t n_samples, Team& team, F f) {
    const std::size_t panels = (n_units + panel_cols<T> - 1) / panel_cols<T>;
    const double work = work_of_a_number * static_cast<double>(n_samples * panel_cols<T>);
    team.slices(panels, work, [&](std::size_t first, std::size_t count) noexcept {
        const std::size_t j = first * panel_cols<T>;
        f(j, std::min(count * panel_cols<T>, n_units - j));
    });
}

// f(first, count) for slices of the samples.
template <class F>
void over_samples(std::size_t n_units, std::size_t n_samples, Team& team, F f) {
    team.slices(n_samples, work_of_a_number * static_cast<double>(n_units), f);
}

template <class M>
M units(M m, std::size_t first, std::size_t count) noexcept {
    return {m.data + first, m.rows, count, m.stride};
}

}  // namespace

template <class T>
Normalised<T>::Normalised(const Shape& shape, std::size_t capacity) {
    if (shape.plain()) return;
    layers_.resize(shape.n_layers());
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
        if (!shape.normalises(layer)) continue;
        const std::size_t columns = shape.columns(layer);
        Layer& of = layers_[layer];
        of.U = Rows<T>(capacity, columns);
        if (shape.norm(layer) == Norm::layer) {
            of.rstd = Buffer<T>(capacity);
        } else {
            of.rstd = Buffer<T>(columns);
            of.mean = Buffer<T>(columns);
            of.variance = Buffer<T>(columns);
            of.db = Buffer<T>(columns);
            of.dg = Buffer<T>(columns);
        }
    }
}

template <class T>
void normalise(const Network<T>& network, std::size_t layer, Matrix<T> Z, Team& team) {
    const Shape& shape = network.shape();
    const Matrix<T> U = Z.columns(shape.n_out(layer));
    const T* const g = network.g(layer).data;
    const T* const b = network.b(layer).data;
    if (shape.norm(layer) == Norm::layer) {
        over_samples(U.cols, U.rows, team, [&](std::size_t first, std::size_t count) noexcept {
            const Matrix<T> of_slice = U.slice(first, count);
            kernels<T>().normalise_rows(static_cast<T>(eps), of_slice, nullptr);
            kernels<T>().scale_and_shift(of_slice, g, b, of_slice);
        });
        return;
    }
    Scratch<T> rstd(U.cols);
    kernels<T>().reciprocal_roots(network.running_variance(layer).data, U.cols, static_cast<T>(eps), rstd.data());
    over_samples(U.cols, U.rows, team, [&](std::size_t first, std::size_t count) noexcept {
        const Matrix<T> of_slice = U.slice(first, count);
        kernels<T>().normalise_columns(network.running_mean(layer).data, rstd.data(), of_slice);
        kernels<T>().scale_and_shift(of_slice, g, b, of_slice);
    });
}

template <class T>
void normalise(const Network<T>& network, std::size_t layer, Normalised<T>& of, Matrix<T> Z, Team& team) {
    const Shape& shape = network.shape();
    const std::size_t n_out = shape.n_out(layer);
    const Matrix<T> U = of.U(layer, Z.rows).columns(n_out);
    const T* const g = network.g(layer).data;
    const T* const b = network.b(layer).data;
    T* const rstd = of.rstd(layer);
    if (shape.norm(layer) == Norm::layer) {
        over_samples(n_out, Z.rows, team, [&](std::size_t first, std::size_t count) noexcept {
            kernels<T>().normalise_rows(static_cast<T>(eps), U.slice(first, count), rstd + first);
            kernels<T>().scale_and_shift(U.slice(first, count), g, b, Z.slice(first, count).columns(n_out));
        });
        return;
    }
    over_units<T>(n_out, Z.rows, team, [&](std::size_t first, std::size_t count) noexcept {
        const Matrix<T> of_units = units(U, first, count);
        const T* mean = network.running_mean(layer).data;
        const T* variance = network.running_variance(layer).data;
        if (of.of_batch()) {
            kernels<T>().column_moments(of_units, of.mean(layer) + first, of.variance(layer) + first);
            mean = of.mean(layer);
            variance = of.variance(layer);
        }
        kernels<T>().reciprocal_roots(variance + first, count, static_cast<T>(eps), rstd + first);
        kernels<T>().normalise_columns(mean + first, rstd + first, of_units);
        kernels<T>().scale_and_shift(of_units, g + first, b + first, units(Z, first, count));
    });
}

template <class T>
void norm_backward(const Network<T>& network, std::size_t layer, Normalised<T>& of, Matrix<const T> Delta, Matrix<T> dU,
                   Team& team) {
    const std::size_t n_out = network.shape().n_out(layer);
    const Matrix<const T> U = of.U(layer, Delta.rows).columns(n_out);
    const T* const g = network.g(layer).data;
    const T* const rstd = of.rstd(layer);
    if (network.shape().norm(layer) == Norm::layer) {
        over_samples(n_out, Delta.rows, team, [&](std::size_t first, std::size_t count) noexcept {
            kernels<T>().normalise_rows_backward(g, rstd + first, U.slice(first, count),
                                                 Delta.slice(first, count).columns(n_out),
                                                 dU.slice(first, count).columns(n_out));
        });
        return;
    }
    over_units<T>(n_out, Delta.rows, team, [&](std::size_t first, std::size_t count) noexcept {
        const Matrix<const T> u_hat = units(U, first, count);
        const Matrix<const T> delta = units(Delta, first, count);
        T* const db = of.of_batch() ? of.db(layer) + first : nullptr;
        T* const dg = of.of_batch() ? of.dg(layer) + first : nullptr;
        if (of.of_batch()) {
            kernels<T>().sum_rows(delta, db);
            kernels<T>().sum_row_products(delta, u_hat, dg);
        }
        kernels<T>().normalise_columns_backward(g + first, rstd + first, db, dg, u_hat, delta, units(dU, first, count));
    });
}

template <class T>
void follow_batch(Network<T>& network, Normalised<T>& of, std::size_t n) noexcept {
    const double n_samples = static_cast<double>(n);
    const T unbiased = static_cast<T>(n_samples / (n_samples - 1));
    for (std::size_t layer = 0; layer < network.shape().n_layers(); ++layer) {
        if (network.shape().norm(layer) != Norm::batch) continue;
        const std::size_t n_out = network.shape().n_out(layer);
        T* const variance = of.variance(layer);
        for (std::size_t j = 0; j < n_out; ++j) variance[j] = unbiased * variance[j];
        kernels<T>().average(static_cast<T>(momentum), of.mean(layer), n_out, network.running_mean(layer).data);
        kernels<T>().average(static_cast<T>(momentum), variance, n_out, network.running_variance(layer).data);
    }
}

template class Normalised<float>;
template class Normalised<double>;
template void normalise(const Network<float>&, std::size_t, Matrix<float>, Team&);
template void normalise(const Network<double>&, std::size_t, Matrix<double>, Team&);
template void normalise(const Network<float>&, std::size_t, Normalised<float>&, Matrix<float>, Team&);
template void normalise(const Network<double>&, std::size_t, Normalised<double>&, Matrix<double>, Team&);
template void norm_backward(const Network<float>&, std::size_t, Normalised<float>&, Matrix<const float>, Matrix<float>,
                            Team&);
template void norm_backward(const Network<double>&, std::size_t, Normalised<double>&, Matrix<const double>,
                            Matrix<double>, Team&);
template void follow_batch(Network<float>&, Normalised<float>&, std::size_t) noexcept;
template void follow_batch(Network<double>&, Normalised<double>&, std::size_t) noexcept;

}  // namespace rosenblatt
