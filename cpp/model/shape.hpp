// Shape: the sizes and activations of a network, and where each W and b lies in theta. The rule stands here, once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/views.hpp"
#include "kernels/functions.hpp"
#include "model/own_activation.hpp"

namespace rosenblatt {

// One for each weight layer, null where the activation is not somebody's own; or none at all.
using OwnActivations = std::vector<std::shared_ptr<const OwnActivation>>;

class Shape {
  public:
    // sizes: n_1 ... n_L, at least two; activations: of layers 2 ... L. Throws std::length_error where the
    // parameters are too many to be addressed.
    Shape(std::vector<std::size_t> sizes, std::vector<Activation> activations, OwnActivations own = {});

    // The same network as products read it fastest: every W in panels that lie one after the other, the columns of W, b, z,
    // a and delta filled up to a multiple of `unit`, which makes whole registers. What stands in the filling is finite and
    // never enters a sum. T is the type of its numbers.
    template <class T>
    Shape filled_up(std::size_t unit) const {
        return Shape(sizes_, activations_, own_, unit, panel_cols<T>);
    }

    // Weight layers: layer l leads from sizes()[l] units to sizes()[l + 1].
    std::size_t n_layers() const noexcept { return activations_.size(); }
    std::size_t n_in(std::size_t layer) const noexcept { return sizes_[layer]; }
    std::size_t n_out(std::size_t layer) const noexcept { return sizes_[layer + 1]; }
    std::size_t columns(std::size_t layer) const noexcept { return fill_up(n_out(layer)); }  // n_out with the filling
    Activation activation(std::size_t layer) const noexcept { return activations_[layer]; }

    // The activation of a layer that has Activation::own, else null.
    const OwnActivation* own(std::size_t layer) const noexcept { return own_.empty() ? nullptr : own_[layer].get(); }
    bool has_own_activations() const noexcept { return !own_.empty(); }

    std::size_t n_features() const noexcept { return sizes_.front(); }
    std::size_t n_outputs() const noexcept { return sizes_.back(); }
    Activation output() const noexcept { return activations_.back(); }
    std::size_t n_params() const noexcept { return offsets_.back(); }
    std::size_t widest_hidden() const noexcept;
    std::size_t widest_output() const noexcept;  // of any weight layer, with the filling

    // theta is W^(1), b^(1), W^(2), b^(2), ...: a weight matrix is (n_in, columns), row-major, or in panels where it is
    // filled up.
    template <class T>
    Panels<T> W(T* theta, std::size_t layer) const noexcept {
        const std::size_t step = row_step(layer);
        const std::size_t panel_step = panel_ == 0 ? panel_cols<T> : n_in(layer) * step;
        return {theta + offsets_[layer], n_in(layer), columns(layer), step, panel_step};
    }
    template <class T>
    Vector<T> b(T* theta, std::size_t layer) const noexcept {
        return {theta + offsets_[layer + 1] - columns(layer), columns(layer)};
    }

    const std::vector<std::size_t>& sizes() const noexcept { return sizes_; }
    const std::vector<Activation>& activations() const noexcept { return activations_; }

  private:
    Shape(std::vector<std::size_t> sizes, std::vector<Activation> activations, OwnActivations own, std::size_t unit,
          std::size_t panel);

    // A single column stays one: it lies contiguous as it is.
    std::size_t fill_up(std::size_t size) const noexcept { return size == 1 ? 1 : (size + unit_ - 1) / unit_ * unit_; }

    // From row to row of a W: narrow matrices are a panel of their own width.
    std::size_t row_step(std::size_t layer) const noexcept {
        return panel_ == 0 ? columns(layer) : std::min(columns(layer), panel_);
    }

    std::size_t unit_;
    std::size_t panel_;  // columns of a panel, 0 where W is row-major
    std::vector<std::size_t> sizes_;
    std::vector<Activation> activations_;
    OwnActivations own_;
    std::vector<std::size_t> offsets_;  // of W^(1), W^(2), ..., and the end
};

}  // namespace rosenblatt
