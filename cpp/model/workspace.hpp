// Workspace: everything that one call computes into, allocated before its first batch and reused for every other.
#pragma once

#include <cstddef>
#include <vector>

#include "base/buffer.hpp"
#include "kernels/table.hpp"
#include "model/shape.hpp"

namespace rosenblatt {

// The samples of one step: X (n, n_features), their targets, and their weights (n,) or null for equal ones.
template <class T>
struct Batch {
    Matrix<const T> X;
    Targets<T> Y;
    const double* weights = nullptr;

    std::size_t size() const noexcept { return X.rows; }

    Batch slice(std::size_t first, std::size_t count) const noexcept {
        return {X.slice(first, count), Y.slice(first, count), weights == nullptr ? nullptr : weights + first};
    }
};

// z and a of every layer, for up to `capacity` samples at a time.
template <class T>
class ForwardWorkspace {
  public:
    ForwardWorkspace(const Shape& shape, std::size_t capacity)
        : capacity_(capacity), scale_(capacity), sample_loss_(capacity) {
        for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
            n_out_.push_back(shape.n_out(layer));
            Z_.emplace_back(capacity * shape.n_out(layer));
            A_.emplace_back(capacity * shape.n_out(layer));
        }
    }

    std::size_t capacity() const noexcept { return capacity_; }

    // Of a batch of n samples, for weight layer `layer`: (n, n_out).
    Matrix<T> Z(std::size_t layer, std::size_t n) noexcept { return Z_[layer].matrix(n, n_out_[layer]); }
    Matrix<T> A(std::size_t layer, std::size_t n) noexcept { return A_[layer].matrix(n, n_out_[layer]); }

    Vector<T> scale() noexcept { return scale_.view(); }                   // (capacity,) a sample's share in C
    Vector<double> sample_loss() noexcept { return sample_loss_.view(); }  // (capacity,)

  protected:
    std::size_t capacity_;
    std::vector<std::size_t> n_out_;

  private:
    std::vector<Buffer<T>> Z_;
    std::vector<Buffer<T>> A_;
    Buffer<T> scale_;
    Buffer<double> sample_loss_;
};

// With delta of every layer and the gradient, too.
template <class T>
class Workspace : public ForwardWorkspace<T> {
  public:
    Workspace(const Shape& shape, std::size_t capacity)
        : ForwardWorkspace<T>(shape, capacity), grad_(shape.n_params()), W_transposed_(shape.largest_W()) {
        for (std::size_t layer = 0; layer < shape.n_layers(); ++layer)
            Delta_.emplace_back(capacity * shape.n_out(layer));
    }

    Matrix<T> Delta(std::size_t layer, std::size_t n) noexcept { return Delta_[layer].matrix(n, this->n_out_[layer]); }
    Vector<T> grad() noexcept { return grad_.view(); }           // (n_params,), as theta
    T* W_transposed() noexcept { return W_transposed_.data(); }  // room for the transpose of any W

  private:
    std::vector<Buffer<T>> Delta_;
    Buffer<T> grad_;
    Buffer<T> W_transposed_;
};

}  // namespace rosenblatt
