// Hessian times a vector: H v, the derivative of the gradient along v, exact, for about three gradients' work.
// Source: Pearlmutter, Neural Computation 6, 1994. The arithmetic is docs/arithmetic.md, section 7.
#pragma once

#include "model/network.hpp"
#include "model/team.hpp"
#include "model/workspace.hpp"

namespace rosenblatt {

// product (n_params,) = H v with H = d2C/dtheta2 of the cost C of these samples; v are the parameters of `direction`, a
// network of the same shape. Throws Stopped.
template <class T>
void hessian_vector_product(LossRule rule, const Network<T>& network, const Samples<T>& samples,
                            const Network<T>& direction, Vector<T> product, Team& team);

}  // namespace rosenblatt
