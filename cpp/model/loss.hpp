// Loss: the cost C of a batch, and delta^(L) = dC/dz^(L), the start of backpropagation.
#pragma once

#include "model/network.hpp"
#include "model/team.hpp"
#include "model/workspace.hpp"

namespace rosenblatt {

// C = sum_i s_i c_i / sum_i s_i of a batch whose forward pass is in `work`; delta of the output goes to `work`. This is
// the only place where 1/n enters. Throws Stopped.
template <class T>
double loss(LossRule rule, const Network<T>& network, const Batch<T>& batch, Workspace<T>& work, Team& team);

// A (n, n_outputs) of the output, of a batch of n samples whose forward pass is in `work`. Throws Stopped.
template <class T>
Matrix<const T> output_activations(const Network<T>& network, std::size_t n, ForwardWorkspace<T>& work, Team& team);

// delta of the output for every sample as if it were a batch of one, of a batch whose forward pass is in `work`. Throws
// Stopped.
template <class T>
void sample_deltas(LossRule rule, const Network<T>& network, const Batch<T>& batch, Workspace<T>& work, Team& team);

// scale[i] = s_i / sum s, the share of sample i in C: in float64, rounded once.
template <class T>
void share_of_samples(const Batch<T>& batch, Vector<T> scale) noexcept;

// delta of the output from dC/dA (n, n_outputs), for a custom cost, of a batch whose forward pass
// is in `work`. Throws Stopped.
template <class T>
void output_delta(const Network<T>& network, Matrix<const T> dC_dA, Workspace<T>& work, Team& team);

// C of any number of samples, forward pass included, as many at a time as fit into the workspace. Throws Stopped.
template <class T>
double cost(LossRule rule, const Network<T>& network, const Samples<T>& samples, ForwardWorkspace<T>& work, Team& team);

}  // namespace rosenblatt
