// Backward: error backpropagation. delta^(l) = (W^(l)T delta^(l+1)) * f'(z^(l)); dC/dW^(l) and dC/db^(l) from delta and a.
#pragma once

#include "model/network.hpp"
#include "model/team.hpp"
#include "model/workspace.hpp"

namespace rosenblatt {

// delta, dW and db of every layer for a batch X (n, n_features) whose forward pass and output delta are in `work`; the
// gradient goes to work.grad(). dX (n, n_features), if dX.data is not null: dC/dX. Throws Stopped.
template <class T>
void backward(const Network<T>& network, Matrix<const T> X, Workspace<T>& work, Matrix<T> dX, Team& team);

}  // namespace rosenblatt
