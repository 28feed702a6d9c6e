// Dropout: what goes into a layer in a step of training, with some units left out and the others larger.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/table.hpp"
#include "model/rows.hpp"
#include "model/shape.hpp"
#include "model/sparse_batch.hpp"
#include "model/team.hpp"

namespace rosenblatt {

template <class T>
class Dropout {
  public:
    Dropout() = default;

    // rates: of what goes into each weight layer, X first, in [0, 1); or none at all.
    // is_sparse: X is sparse.
    Dropout(const std::vector<double>& rates, const Shape& shape, std::size_t capacity, std::uint64_t seed,
            bool is_sparse);

    bool active() const noexcept { return active_; }

    // The next steps are of this epoch, the first of their rows being its `first_row`-th.
    void begin_step(std::size_t epoch, std::size_t first_row) noexcept {
        epoch_ = epoch;
        first_row_ = first_row;
    }

    // Whether the input of a weight layer is dropped from.
    bool applies_to(std::size_t layer) const noexcept { return active_ && layers_[layer].drops; }

    // Draws the mask of a layer for which applies_to() is true and applies it to the layer's input A (n, n_in). Throws
    // Stopped.
    void drop(std::size_t layer, Scattered<const T> A, Team& team);

    // The result of drop(), (n, n_in); and the mask, except for sparse X: 0 for a dropped unit, else 1 / (1 - rate).
    Scattered<const T> dropped(std::size_t layer, std::size_t n) noexcept {
        if (layer == 0 && is_sparse_) return sparse_rows_.rows(n, layers_[layer].n_in);
        return layers_[layer].dropped.scattered(n, layers_[layer].n_in);
    }
    Matrix<const T> mask(std::size_t layer, std::size_t n) noexcept { return layers_[layer].mask.first(n); }

    // For kernels that draw the mask themselves: the rule of a layer for up to n samples, and the stream of layer 0.
    Drop<T> rule(std::size_t layer, std::size_t n) noexcept {
        Layer& of = layers_[layer];
        return {of.dropped_below, of.scale, of.mask.first(n), of.dropped.first(n)};
    }
    RowStream stream() const noexcept;

  private:
    struct Layer {
        bool drops = false;
        std::uint32_t dropped_below = 0;
        T scale = 1;
        std::size_t n_in = 0;
        Rows<T> mask;
        Rows<T> dropped;
    };

    void drop_sparse(Scattered<const T> X, Team& team);

    bool active_ = false;
    bool is_sparse_ = false;
    Buffer<T> values_;  // the elements of sparse X after dropout
    SparseRowPointers<T> sparse_rows_;
    std::uint64_t seed_ = 0;
    std::size_t epoch_ = 0;
    std::size_t first_row_ = 0;
    std::vector<Layer> layers_;
};

}  // namespace rosenblatt
