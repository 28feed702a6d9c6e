// Sparse products: the products of the first layer with a sparse X. Sums run over the stored elements; the results
// equal those of the dense rows, whose other terms would add 0 (docs/arithmetic.md, section 1).
#pragma once

#include "base/views.hpp"
#include "kernels/table.hpp"
#include "model/network.hpp"
#include "model/team.hpp"

namespace rosenblatt {

// Z (n, at least n_out) = W A_in + init of one layer, A_in.sparse set; init (columns,), null for zeros. Throws
// Stopped.
template <class T>
void forward_sparse(const Network<T>& network, std::size_t layer, Scattered<const T> A_in, const T* init, Matrix<T> Z,
                    Team& team);

// dW, all of it, from the elements by columns and Delta (n, columns). Throws Stopped.
template <class T>
void gradient_sparse(SparseColumns<T> A, Matrix<const T> Delta, Panels<T> dW, Team& team);

// W := W - learning_rate dW, not interruptible. Rows of W whose inputs are zero in the whole batch are not touched.
template <class T>
void descend_sparse(SparseColumns<T> A, Matrix<const T> Delta, T learning_rate, Panels<T> W, Team& team) noexcept;

}  // namespace rosenblatt
