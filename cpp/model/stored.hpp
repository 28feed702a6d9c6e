// Stored: the first layer's products where of X only some elements are stored. They run over these alone; the results are
// those of the full rows, whose other terms would add 0 (docs/arithmetic.md, section 1).
#pragma once

#include "base/views.hpp"
#include "kernels/table.hpp"
#include "model/network.hpp"
#include "model/team.hpp"

namespace rosenblatt {

// Z (n, at least n_out) = W A_in + start of one layer, A_in.stored set; start (columns,), null for zeros. Throws Stopped.
template <class T>
void forward_stored(const Network<T>& network, std::size_t layer, Scattered<const T> A_in, const T* start, Matrix<T> Z,
                    Team& team);

// dW, all of it, from the elements by columns and Delta (n, columns). Throws Stopped.
template <class T>
void gradient_stored(StoredColumns<T> A, Matrix<const T> Delta, Panels<T> dW, Team& team);

// W := W - learning_rate dW, to the end: the rows of W whose inputs are stored nowhere in the batch are not touched.
template <class T>
void descend_stored(StoredColumns<T> A, Matrix<const T> Delta, T learning_rate, Panels<T> W, Team& team) noexcept;

}  // namespace rosenblatt
