// Curvature: the second derivatives of activations and losses, along a direction. R{x} is the derivative of x by t
// where theta moves as theta + t v. Where a first derivative jumps, the second is that of the piece whose slope the
// first took. Source: Pearlmutter, Neural Computation 6, 1994. The arithmetic is docs/arithmetic.md, section 7.
#pragma once

#include "base/views.hpp"
#include "kernels/table.hpp"

namespace rosenblatt {

// Where a layer is, and how it moves along the direction: z, a, R{z}, R{a}, each (n, n_out).
template <class T>
struct LayerAlong {
    Matrix<const T> Z;
    Matrix<const T> A;
    Matrix<const T> R_Z;
    Matrix<const T> R_A;

    LayerAlong slice(std::size_t first, std::size_t count) const noexcept {
        return {Z.slice(first, count), A.slice(first, count), R_Z.slice(first, count), R_A.slice(first, count)};
    }
};

// R_A = R{a} from R{z}: f'(z) R{z}. R_A is written, all else is read. All (n, n_out).
template <class T>
void activation_along(Activation f, Matrix<const T> Z, Matrix<const T> A, Matrix<const T> R_Z, Matrix<T> R_A) noexcept;

// R_Delta = R{delta} from R_Delta = R{dC/da}: f'(z) R{g} + g R{f'(z)}, with G = dC/da. All (n, n_out).
template <class T>
void delta_along(Activation f, const LayerAlong<T>& layer, Matrix<const T> G, Matrix<T> R_Delta) noexcept;

// R_slope = R{slope} scale of the output, where the slopes are dC/da, or dC/dz for the losses of which slopes_by_z is
// true. targets, scale (n,); R_slope (n, n_outputs).
template <class T>
void slopes_along(LossRule rule, Activation output, const LayerAlong<T>& layer, Targets<T> targets, const T* scale,
                  Matrix<T> R_slope) noexcept;

}  // namespace rosenblatt
