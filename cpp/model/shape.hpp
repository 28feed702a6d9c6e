// Shape: the sizes and activations of a network, and where each W and b lies in theta. The rule stands here, once.
#pragma once

#include <cstddef>
#include <vector>

#include "base/views.hpp"
#include "kernels/functions.hpp"

namespace rosenblatt {

class Shape {
  public:
    // sizes: n_1 ... n_L, at least two; activations: of layers 2 ... L. Throws std::length_error where the
    // parameters are too many to be addressed.
    Shape(std::vector<std::size_t> sizes, std::vector<Activation> activations);

    // The same network with the columns of every W, b, z, a and delta filled up to a multiple of `unit`: rows of whole,
    // aligned registers. What stands in the filling is finite and never enters a sum.
    Shape filled_up(std::size_t unit) const;

    // Weight layers: layer l leads from sizes()[l] units to sizes()[l + 1].
    std::size_t n_layers() const noexcept { return activations_.size(); }
    std::size_t n_in(std::size_t layer) const noexcept { return sizes_[layer]; }
    std::size_t n_out(std::size_t layer) const noexcept { return sizes_[layer + 1]; }
    std::size_t columns(std::size_t layer) const noexcept { return fill_up(n_out(layer)); }  // n_out with the filling
    Activation activation(std::size_t layer) const noexcept { return activations_[layer]; }

    std::size_t n_features() const noexcept { return sizes_.front(); }
    std::size_t n_outputs() const noexcept { return sizes_.back(); }
    Activation output() const noexcept { return activations_.back(); }
    std::size_t n_params() const noexcept { return offsets_.back(); }
    std::size_t widest_hidden() const noexcept;
    std::size_t widest_output() const noexcept;         // of any weight layer, with the filling
    std::size_t largest_W_transposed() const noexcept;  // likewise

    // theta is W^(1), b^(1), W^(2), b^(2), ...: a weight matrix lies as (n_in, columns), row-major.
    template <class T>
    Matrix<T> W(T* theta, std::size_t layer) const noexcept {
        return {theta + offsets_[layer], n_in(layer), columns(layer), columns(layer)};
    }
    template <class T>
    Vector<T> b(T* theta, std::size_t layer) const noexcept {
        return {theta + offsets_[layer] + n_in(layer) * columns(layer), columns(layer)};
    }

    const std::vector<std::size_t>& sizes() const noexcept { return sizes_; }
    const std::vector<Activation>& activations() const noexcept { return activations_; }

  private:
    Shape(std::vector<std::size_t> sizes, std::vector<Activation> activations, std::size_t unit);

    // A single column stays one: it lies contiguous as it is.
    std::size_t fill_up(std::size_t size) const noexcept { return size == 1 ? 1 : (size + unit_ - 1) / unit_ * unit_; }

    std::size_t unit_;
    std::vector<std::size_t> sizes_;
    std::vector<Activation> activations_;
    std::vector<std::size_t> offsets_;  // of W^(1), W^(2), ..., and the end
};

}  // namespace rosenblatt
