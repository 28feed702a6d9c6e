// Forward: z^(l+1) = W^(l) a^(l) + b^(l), a^(l+1) = f(z^(l+1)).
#pragma once

#include "base/views.hpp"
#include "model/network.hpp"
#include "model/team.hpp"
#include "model/workspace.hpp"

namespace rosenblatt {

// One layer. A_in (n, n_in), Z and A (n, n_out); Z may be A. Throws Stopped, as all below.
template <class T>
void forward_layer(const Network<T>& network, std::size_t layer, Matrix<const T> A_in, Matrix<T> Z, Matrix<T> A,
                   Team& team);

// z and a of every layer, for a batch X (n, n_features), n <= work.capacity().
template <class T>
void forward(const Network<T>& network, Matrix<const T> X, ForwardWorkspace<T>& work, Team& team);

// A (n, n_outputs) = the output activations of X (n, n_features), for any n: memory for a few hundred rows is enough.
template <class T>
void predict(const Network<T>& network, Matrix<const T> X, Matrix<T> A, Team& team);

}  // namespace rosenblatt
