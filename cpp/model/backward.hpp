// Backward: error backpropagation. delta^(l) = (W^(l)T delta^(l+1)) * f'(z^(l)); dC/dW^(l) and dC/db^(l) from delta and
// a. In a layer with a norm dC/du replaces delta next to W, and in a layer with a skip its dC/da is added to W^T
// delta.
#pragma once

#include "model/network.hpp"
#include "model/team.hpp"
#include "model/workspace.hpp"

namespace rosenblatt {

// delta of every layer, from that of the output in `work` down. Throws Stopped, as all below.
template <class T>
void backpropagate(const Network<T>& network, std::size_t n, Workspace<T>& work, Team& team);

// dA (n, at least n_in) = W^T dC/du of a layer, which is dC/da of its input, except with a skip.
template <class T>
void weights_backward(const Network<T>& network, std::size_t layer, Workspace<T>& work, Matrix<T> dA, Team& team);

// dW, db and dg of every layer into grad (n_params,), for a batch X (n, n_features) whose a and delta are in `work`.
template <class T>
void weight_gradients(const Network<T>& network, Scattered<const T> X, Workspace<T>& work, Vector<T> grad, Team& team);

// dX (n, n_features) = dC/dX.
template <class T>
void input_gradients(const Network<T>& network, Workspace<T>& work, Matrix<T> dX, Team& team);

}  // namespace rosenblatt
