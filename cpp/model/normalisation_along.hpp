// Normalisation along a direction: the derivatives of what model/normalisation.hpp computes, for a Hessian times a
// vector.
#pragma once

#include "model/network.hpp"
#include "model/normalisation.hpp"

namespace rosenblatt {

// U of `along`, R{u} of a layer with a norm (n, n_out), becomes R{u_hat}; R_Z (n, n_out) = R{z}. `of` has u_hat; batch
// norm has its running statistics.
template <class T>
void normalise_along(const Network<T>& network, const Network<T>& direction, std::size_t layer, Normalised<T>& of,
                     Normalised<T>& along, Matrix<T> R_Z) noexcept;

// R_dU (n, n_out) = R{dC/du} from delta = dC/dz and R{delta} of the same shape.
template <class T>
void norm_backward_along(const Network<T>& network, const Network<T>& direction, std::size_t layer, Normalised<T>& of,
                         Normalised<T>& along, Matrix<const T> Delta, Matrix<const T> R_Delta, Matrix<T> R_dU) noexcept;

}  // namespace rosenblatt
