// Forward: z^(l+1) = W^(l) a^(l) + b^(l), a^(l+1) = f(z^(l+1)); with a norm, z is g u_hat + b with u = W a
// normalised; with a skip, a^(l+1) = f(z^(l+1)) + a^(l).
#pragma once

#include "base/views.hpp"
#include "model/network.hpp"
#include "model/team.hpp"
#include "model/workspace.hpp"

namespace rosenblatt {

// Z (n, n_out) = init + W A_in of one layer, init (n_out,) or null for 0. Throws Stopped, as all below.
template <class T>
void weighted_sums(const Network<T>& network, std::size_t layer, Scattered<const T> A_in, const T* init, Matrix<T> Z,
                   Team& team);

// Z (n, n_out) = z of one layer, of batch norm with the running statistics. A_in (n, n_in).
template <class T>
void forward_layer(const Network<T>& network, std::size_t layer, Scattered<const T> A_in, Matrix<T> Z, Team& team);

// A = f(Z) of one layer, both (n, n_out); A may be Z.
template <class T>
void activate_layer(const Network<T>& network, std::size_t layer, Matrix<const T> Z, Matrix<T> A, Team& team);

// A (n, at least n_in) += A_in (n, n_in), of a layer that skips: forward what goes in to f(z), back dC/da to W^T dC/du.
template <class T>
void skip(Scattered<const T> A_in, Matrix<T> A, Team& team);

// a of every hidden layer, z of the output and of those whose f' is computed from z, for a batch X (n, n_features),
// n <= work.capacity(). The output's activation is computed together with the loss.
template <class T>
void forward(const Network<T>& network, Scattered<const T> X, ForwardWorkspace<T>& work, Team& team);

// A (n, n_outputs) = the output activations of X (n, n_features), for any n: memory for a few hundred rows is enough.
template <class T>
void predict(const Network<T>& network, Matrix<const T> X, Matrix<T> A, Team& team);

// The same for a sparse X.
template <class T>
void predict(const Network<T>& network, const CsrView<T>& X, Matrix<T> A, Team& team);

// The same for samples, whose X is of one kind or of the other.
template <class T>
void predict(const Network<T>& network, const Samples<T>& samples, Matrix<T> A, Team& team) {
    if (samples.is_sparse()) predict(network, samples.sparse, A, team);
    else predict(network, samples.X, A, team);
}

}  // namespace rosenblatt
