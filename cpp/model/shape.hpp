// Shape: the sizes, activations, norms and skips of a network, and the place of each W, b and g in
// theta. The rule stands here, once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/views.hpp"
#include "kernels/functions.hpp"
#include "model/custom_activation.hpp"

namespace rosenblatt {

// One for each weight layer, null for a built-in activation; or none at all.
using CustomActivations = std::vector<std::shared_ptr<const CustomActivation>>;

// How W a of a hidden layer is normalised before f: not, over the samples of a batch, or over the units of the layer.
enum class Norm : std::uint8_t { none, batch, layer };
inline constexpr const char* norm_names[] = {"none", "batch", "layer"};

// The norm and the skip of the hidden layers: one of each per hidden layer, or none at all.
struct HiddenLayers {
    std::vector<Norm> norms = {};
    // True if the input of the layer is added to its output; both have the same size.
    std::vector<bool> skips = {};
};

class Shape {
  public:
    // sizes: n_1 ... n_L, at least two; activations: of layers 2 ... L. Throws std::length_error where the
    // parameters are too many to be addressed.
    Shape(std::vector<std::size_t> sizes, std::vector<Activation> activations, CustomActivations custom = {},
          HiddenLayers hidden = {});

    // The same network as products read it fastest: every W in panels that lie one after the other, the columns of W,
    // b, z, a and delta filled up to a multiple of `unit`, which makes whole registers. What stands in the filling is
    // finite and never enters a sum. T is the type of its numbers.
    template <class T>
    Shape filled_up(std::size_t unit) const {
        return Shape(sizes_, activations_, custom_, hidden_, unit, panel_cols<T>);
    }

    // Weight layers: layer l leads from sizes()[l] units to sizes()[l + 1].
    std::size_t n_layers() const noexcept { return activations_.size(); }
    std::size_t n_in(std::size_t layer) const noexcept { return sizes_[layer]; }
    std::size_t n_out(std::size_t layer) const noexcept { return sizes_[layer + 1]; }
    std::size_t columns(std::size_t layer) const noexcept { return fill_up(n_out(layer)); }  // n_out with the filling
    Activation activation(std::size_t layer) const noexcept { return activations_[layer]; }
    Norm norm(std::size_t layer) const noexcept {
        return layer < hidden_.norms.size() ? hidden_.norms[layer] : Norm::none;
    }
    bool normalises(std::size_t layer) const noexcept { return norm(layer) != Norm::none; }
    bool skips(std::size_t layer) const noexcept { return layer < hidden_.skips.size() && hidden_.skips[layer]; }

    // Whether z is W a + b and a is f(z), in this layer; in all of them.
    bool plain(std::size_t layer) const noexcept { return !normalises(layer) && !skips(layer); }
    bool plain() const noexcept;
    bool has_batch_norm() const noexcept;

    // The activation of a layer that has Activation::custom, else null.
    const CustomActivation* custom(std::size_t layer) const noexcept {
        return custom_.empty() ? nullptr : custom_[layer].get();
    }
    bool has_custom_activations() const noexcept { return !custom_.empty(); }

    std::size_t n_features() const noexcept { return sizes_.front(); }
    std::size_t n_outputs() const noexcept { return sizes_.back(); }
    Activation output() const noexcept { return activations_.back(); }
    std::size_t n_params() const noexcept { return offsets_.back(); }
    std::size_t widest_hidden() const noexcept;
    std::size_t widest_output() const noexcept;  // of any weight layer, with the filling

    // theta is W^(1), b^(1), W^(2), b^(2), ..., with g^(l) after b^(l) if the layer has a norm. A weight matrix is
    // (n_in, columns), row-major, or in panels if it is filled up.
    template <class T>
    Panels<T> W(T* theta, std::size_t layer) const noexcept {
        const std::size_t stride = row_stride(layer);
        const std::size_t panel_stride = panel_ == 0 ? panel_cols<T> : n_in(layer) * stride;
        return {theta + offsets_[layer], n_in(layer), columns(layer), stride, panel_stride};
    }
    template <class T>
    Vector<T> b(T* theta, std::size_t layer) const noexcept {
        return {theta + offsets_[layer + 1] - (normalises(layer) ? 2 : 1) * columns(layer), columns(layer)};
    }
    // The gain of a layer with a norm; empty without.
    template <class T>
    Vector<T> g(T* theta, std::size_t layer) const noexcept {
        if (!normalises(layer)) return {};
        return {theta + offsets_[layer + 1] - columns(layer), columns(layer)};
    }

    // The running mean and variance of the layers with batch norm, layer after layer; empty for the others.
    std::size_t n_running() const noexcept { return running_offsets_.back(); }
    template <class T>
    Vector<T> running_mean(T* running, std::size_t layer) const noexcept {
        if (norm(layer) != Norm::batch) return {};
        return {running + running_offsets_[layer], columns(layer)};
    }
    template <class T>
    Vector<T> running_variance(T* running, std::size_t layer) const noexcept {
        if (norm(layer) != Norm::batch) return {};
        return {running + running_offsets_[layer] + columns(layer), columns(layer)};
    }

    // Whether the parameters and running statistics of another shape lie in the same places.
    bool lies_like(const Shape& other) const noexcept {
        return sizes_ == other.sizes_ && offsets_ == other.offsets_ && running_offsets_ == other.running_offsets_;
    }

    const std::vector<std::size_t>& sizes() const noexcept { return sizes_; }
    const std::vector<Activation>& activations() const noexcept { return activations_; }

  private:
    Shape(std::vector<std::size_t> sizes, std::vector<Activation> activations, CustomActivations custom,
          HiddenLayers hidden, std::size_t unit, std::size_t panel);

    // A single column stays one: it lies contiguous as it is.
    std::size_t fill_up(std::size_t size) const noexcept { return size == 1 ? 1 : (size + unit_ - 1) / unit_ * unit_; }

    // From row to row of a W: narrow matrices are a panel of their own width.
    std::size_t row_stride(std::size_t layer) const noexcept {
        return panel_ == 0 ? columns(layer) : std::min(columns(layer), panel_);
    }

    std::size_t unit_;
    std::size_t panel_;  // columns of a panel, 0 if W is row-major
    std::vector<std::size_t> sizes_;
    std::vector<Activation> activations_;
    CustomActivations custom_;
    HiddenLayers hidden_;
    std::vector<std::size_t> offsets_;          // of W^(1), W^(2), ..., and the end
    std::vector<std::size_t> running_offsets_;  // of the layers, and the end
};

}  // namespace rosenblatt
