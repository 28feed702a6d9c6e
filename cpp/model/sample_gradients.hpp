// Sample gradients: the gradient of each sample's own loss, as if it were a batch of one.
#pragma once

#include "model/network.hpp"
#include "model/team.hpp"
#include "model/workspace.hpp"

namespace rosenblatt {

// grads (n, n_params): row i is dc_i/dtheta of sample i of a batch X (n, n_features). Throws Stopped.
template <class T>
void sample_gradients(LossRule rule, const Network<T>& network, const Samples<T>& samples, Matrix<T> grads, Team& team);

}  // namespace rosenblatt
