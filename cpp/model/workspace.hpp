// Workspace: everything that one call computes into, allocated before its first batch and reused for every other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/buffer.hpp"
#include "kernels/table.hpp"
#include "model/dropout.hpp"
#include "model/normalisation.hpp"
#include "model/rows.hpp"
#include "model/shape.hpp"
#include "model/sparse_batch.hpp"

namespace rosenblatt {

// Samples as a user gives them: X (n, n_features), their targets, and their weights (n,) or null for equal ones.
template <class T>
struct Samples {
    Matrix<const T> X;
    Targets<T> Y;
    const double* weights = nullptr;
    CsrView<T> sparse = {};  // if set, holds X as CSR; `X` then carries only the shape

    std::size_t size() const noexcept { return X.rows; }
    bool is_sparse() const noexcept { return sparse.start != nullptr; }

    Samples slice(std::size_t first, std::size_t count) const noexcept {
        Samples some{X.slice(first, count), Y.slice(first, count), weights == nullptr ? nullptr : weights + first};
        if (is_sparse()) some.sparse = sparse.slice(first, count);
        return some;
    }
};

// The samples of one step: X (n, n_features), rows that lie anywhere; the rest as above.
template <class T>
struct Batch {
    Scattered<const T> X;
    Targets<T> Y;
    const double* weights = nullptr;
    const std::size_t* indices = nullptr;  // of its samples (n,); if null, they are those from `first` on
    std::size_t first = 0;

    std::size_t size() const noexcept { return X.rows; }
    bool is_sparse() const noexcept { return X.sparse != nullptr; }

    // The sum of the weights, in the order of the samples.
    double weight() const noexcept {
        if (weights == nullptr) return static_cast<double>(size());
        double total = 0;
        for (std::size_t i = 0; i < size(); ++i) total += weights[i];
        return total;
    }
};

// Computations on any number of samples take at most this many at a time.
inline constexpr std::size_t rows_at_once = 256;

// a of every layer, z of the output and of every layer whose f' is computed from z, for up to `capacity` samples at a
// time. a of a layer that skips is f(z) + what goes into it.
template <class T>
class ForwardWorkspace {
  public:
    ForwardWorkspace(const Shape& shape, std::size_t capacity)
        : capacity_(capacity),
          X_rows_(capacity),
          normalised_(shape, capacity),
          scale_(capacity),
          sample_loss_(capacity) {
        for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
            n_out_.push_back(shape.n_out(layer));
            from_z_.push_back(derivative_from_z(shape.activation(layer)));
            A_.emplace_back(capacity, shape.columns(layer));
            const bool kept = from_z_.back() || layer + 1 == shape.n_layers();
            Z_.push_back(kept ? Rows<T>(capacity, shape.columns(layer)) : Rows<T>());
            skips_.push_back(shape.skips(layer));
            F_.push_back(skips_.back() && !kept ? Rows<T>(capacity, shape.columns(layer)) : Rows<T>());
        }
    }

    std::size_t capacity() const noexcept { return capacity_; }

    // z and a of weight layer `layer` for a batch of n samples: (n, columns), of which n_out are the layer's. Z is null
    // if it is not stored.
    Matrix<T> Z(std::size_t layer, std::size_t n) noexcept { return Z_[layer].first(n); }
    Matrix<T> A(std::size_t layer, std::size_t n) noexcept { return A_[layer].first(n); }

    // f(z) of a layer, same shape. A layer with a skip stores it next to a if f' is computed from it.
    Matrix<T> F(std::size_t layer, std::size_t n) noexcept {
        return skips_[layer] && !from_z_[layer] ? F_[layer].first(n) : A(layer, n);
    }

    // What f' of a layer is computed from, z or f(z).
    Matrix<T> derivative_from(std::size_t layer, std::size_t n) noexcept {
        return from_z_[layer] ? Z(layer, n) : F(layer, n);
    }

    // What goes into weight layer `layer`: X, or a of the layer before, (n, n_in); what dropout left of it.
    Scattered<const T> A_in(std::size_t layer, Scattered<const T> X) noexcept {
        if (dropout_.applies_to(layer)) return dropout_.dropped(layer, X.rows);
        return A_before(layer, X);
    }
    Scattered<const T> A_before(std::size_t layer, Scattered<const T> X) noexcept {
        return layer == 0 ? X : A_rows(layer - 1, X.rows, n_out_[layer - 1]);
    }

    Scattered<const T> A_rows(std::size_t layer, std::size_t n, std::size_t columns) noexcept {
        return A_[layer].scattered(n, columns);
    }

    // Active in a training that asks for it.
    Dropout<T>& dropout() noexcept { return dropout_; }

    // u_hat of the layers with a norm.
    Normalised<T>& normalised() noexcept { return normalised_; }

    // X as the rows of a batch, n <= capacity(); valid until it is called again.
    Scattered<const T> as_batch(Matrix<const T> X) noexcept { return X_rows_.to(X); }
    Scattered<const T> as_batch(const Samples<T>& samples) {
        if (!samples.is_sparse()) return as_batch(samples.X);
        if (!sparse_rows_) sparse_rows_.emplace(capacity_);
        return sparse_rows_->to(samples.sparse);
    }

    Vector<T> scale() noexcept { return scale_.view(); }                   // (capacity,) a sample's share in C
    Vector<double> sample_loss() noexcept { return sample_loss_.view(); }  // (capacity,)

  private:
    std::size_t capacity_;
    std::vector<std::size_t> n_out_;
    std::vector<bool> from_z_;
    std::vector<bool> skips_;
    RowPointers<const T> X_rows_;
    std::optional<SparseRowPointers<T>> sparse_rows_;
    std::vector<Rows<T>> Z_;
    std::vector<Rows<T>> A_;
    std::vector<Rows<T>> F_;
    Dropout<T> dropout_;
    Normalised<T> normalised_;
    Buffer<T> scale_;
    Buffer<double> sample_loss_;
};

// With delta of every layer, too.
template <class T>
class Workspace : public ForwardWorkspace<T> {
  public:
    Workspace(const Shape& shape, std::size_t capacity)
        : ForwardWorkspace<T>(shape, capacity), db_(shape.widest_output()) {
        for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
            const auto rows_if = [&](bool needed) {
                return needed ? Rows<T>(capacity, shape.columns(layer)) : Rows<T>();
            };
            Delta_.emplace_back(capacity, shape.columns(layer));
            normalises_.push_back(shape.normalises(layer));
            dU_.push_back(rows_if(shape.normalises(layer)));
            G_.push_back(rows_if(shape.skips(layer)));
        }
    }

    // delta = dC/dz, (n, columns).
    Matrix<T> Delta(std::size_t layer, std::size_t n) noexcept { return Delta_[layer].first(n); }

    // dC/du of W a, which is what goes back through W: delta but in layers with a norm.
    Matrix<T> dU(std::size_t layer, std::size_t n) noexcept { return of_W(layer).first(n); }
    Scattered<const T> dU_rows(std::size_t layer, std::size_t n, std::size_t columns) noexcept {
        return of_W(layer).scattered(n, columns);
    }

    // dC/da of a layer that skips, for what goes into it.
    Matrix<T> G(std::size_t layer, std::size_t n) noexcept { return G_[layer].first(n); }
    Scattered<const T> G_rows(std::size_t layer, std::size_t n, std::size_t columns) noexcept {
        return G_[layer].scattered(n, columns);
    }

    T* db() noexcept { return db_.data(); }  // scratch for the gradient of any b or g

    BatchColumns<T>& columns() noexcept { return columns_; }

  private:
    Rows<T>& of_W(std::size_t layer) noexcept { return normalises_[layer] ? dU_[layer] : Delta_[layer]; }

    std::vector<Rows<T>> Delta_;
    std::vector<bool> normalises_;
    std::vector<Rows<T>> dU_;
    std::vector<Rows<T>> G_;
    Buffer<T> db_;
    BatchColumns<T> columns_;
};

}  // namespace rosenblatt
