// Jacobian: the derivative of every output by every input.
#pragma once

#include "model/network.hpp"
#include "model/team.hpp"

namespace rosenblatt {

// J (n, n_outputs, n_features), row-major: J[i] = da/dx of sample i of X (n, n_features). Throws Stopped.
template <class T>
void jacobian(const Network<T>& network, Matrix<const T> X, T* J, Team& team);

}  // namespace rosenblatt
