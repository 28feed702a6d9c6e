// Normalisation along a direction: plain loops, as second derivatives need not be fast. docs/arithmetic.md, section
// 9.
#include "model/normalisation_along.hpp"

#include <cmath>

namespace rosenblatt {

namespace {

// The mean of x_j y_j over n units: 16 interleaved chains.
template <class T, class X, class Y>
T mean_of_products(std::size_t n, X x, Y y) noexcept {
    T s[16] = {};
    for (std::size_t j = 0; j < n; ++j) s[j % 16] = std::fma(x(j), y(j), s[j % 16]);
    for (std::size_t width = 8; width > 0; width /= 2)
        for (std::size_t i = 0; i < width; ++i) s[i] = s[i] + s[i + width];
    return s[0] / static_cast<T>(n);
}

template <class T>
T one(std::size_t /*j*/) noexcept {
    return T{1};
}

// R{u} of one sample becomes R{u_hat}; returns R{rstd}.
template <class T>
T normalise_units_along(const T* u_hat, T rstd, std::size_t n, T* R_u) noexcept {
    const auto moved = [&](std::size_t j) { return R_u[j]; };
    const T s = mean_of_products<T>(n, moved, one<T>);
    const T t = mean_of_products<T>(n, moved, [&](std::size_t j) { return u_hat[j]; });
    for (std::size_t j = 0; j < n; ++j) R_u[j] = rstd * std::fma(-u_hat[j], t, R_u[j] - s);
    return -(rstd * rstd) * t;
}

// A sample of a layer with a norm: e = g delta and what moves it; (n_out,) each.
template <class T>
struct UnitsAlong {
    const T* g;
    const T* R_g;
    const T* delta;
    const T* R_delta;
    const T* u_hat;
    const T* R_u_hat;

    T e(std::size_t j) const noexcept { return g[j] * delta[j]; }
    T R_e(std::size_t j) const noexcept { return std::fma(g[j], R_delta[j], R_g[j] * delta[j]); }
};

template <class T>
void units_backward_along(const UnitsAlong<T>& at, T rstd, T R_rstd, std::size_t n, T* R_dU) noexcept {
    const auto e = [&](std::size_t j) { return at.e(j); };
    const auto R_e = [&](std::size_t j) { return at.R_e(j); };
    const auto u_hat = [&](std::size_t j) { return at.u_hat[j]; };
    const auto R_u_hat = [&](std::size_t j) { return at.R_u_hat[j]; };
    const T p = mean_of_products<T>(n, e, one<T>);
    const T q = mean_of_products<T>(n, e, u_hat);
    const T R_p = mean_of_products<T>(n, R_e, one<T>);
    const T R_q = mean_of_products<T>(n, R_e, u_hat) + mean_of_products<T>(n, e, R_u_hat);
    for (std::size_t j = 0; j < n; ++j) {
        const T y = std::fma(-at.u_hat[j], q, at.e(j) - p);
        const T R_y = std::fma(-at.u_hat[j], R_q, std::fma(-at.R_u_hat[j], q, at.R_e(j) - R_p));
        R_dU[j] = std::fma(R_rstd, y, rstd * R_y);
    }
}

}  // namespace

template <class T>
void normalise_along(const Network<T>& network, const Network<T>& direction, std::size_t layer, Normalised<T>& of,
                     Normalised<T>& along, Matrix<T> R_Z) noexcept {
    const bool over_units = network.shape().norm(layer) == Norm::layer;
    const std::size_t n_out = network.shape().n_out(layer);
    const Matrix<const T> U = of.U(layer, R_Z.rows);
    const Matrix<T> R_U = along.U(layer, R_Z.rows);
    const T* const rstd = of.rstd(layer);
    const Vector<const T> g = network.g(layer);
    const Vector<const T> R_g = direction.g(layer);
    const Vector<const T> R_b = direction.b(layer);
    for (std::size_t i = 0; i < R_Z.rows; ++i) {
        const T* const u_hat = U.row(i);
        T* const R_u = R_U.row(i);
        if (over_units) along.rstd(layer)[i] = normalise_units_along(u_hat, rstd[i], n_out, R_u);
        else
            for (std::size_t j = 0; j < n_out; ++j) R_u[j] = R_u[j] * rstd[j];
        for (std::size_t j = 0; j < n_out; ++j)
            R_Z.row(i)[j] = std::fma(g[j], R_u[j], std::fma(R_g[j], u_hat[j], R_b[j]));
    }
}

template <class T>
void norm_backward_along(const Network<T>& network, const Network<T>& direction, std::size_t layer, Normalised<T>& of,
                         Normalised<T>& along, Matrix<const T> Delta, Matrix<const T> R_Delta,
                         Matrix<T> R_dU) noexcept {
    const std::size_t n = R_dU.rows;
    const std::size_t n_out = network.shape().n_out(layer);
    for (std::size_t i = 0; i < n; ++i) {
        const UnitsAlong<T> at{network.g(layer).data, direction.g(layer).data, Delta.row(i),
                               R_Delta.row(i),        of.U(layer, n).row(i),   along.U(layer, n).row(i)};
        if (network.shape().norm(layer) == Norm::layer)
            units_backward_along(at, of.rstd(layer)[i], along.rstd(layer)[i], n_out, R_dU.row(i));
        else
            for (std::size_t j = 0; j < n_out; ++j) R_dU.row(i)[j] = at.R_e(j) * of.rstd(layer)[j];
    }
}

template void normalise_along(const Network<float>&, const Network<float>&, std::size_t, Normalised<float>&,
                              Normalised<float>&, Matrix<float>) noexcept;
template void normalise_along(const Network<double>&, const Network<double>&, std::size_t, Normalised<double>&,
                              Normalised<double>&, Matrix<double>) noexcept;
template void norm_backward_along(const Network<float>&, const Network<float>&, std::size_t, Normalised<float>&,
                                  Normalised<float>&, Matrix<const float>, Matrix<const float>, Matrix<float>) noexcept;
template void norm_backward_along(const Network<double>&, const Network<double>&, std::size_t, Normalised<double>&,
                                  Normalised<double>&, Matrix<const double>, Matrix<const double>,
                                  Matrix<double>) noexcept;

}  // namespace rosenblatt
