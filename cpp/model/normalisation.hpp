// Normalisation: u_hat = (u - mean) / deviation and z = g u_hat + b of a layer with a norm, and the way back through
// them. u is W a; the sums and their order are docs/arithmetic.md, section 9.
#pragma once

#include <cstddef>
#include <vector>

#include "base/buffer.hpp"
#include "model/network.hpp"
#include "model/rows.hpp"
#include "model/shape.hpp"
#include "model/team.hpp"

namespace rosenblatt {

// Of the samples of a call: u_hat, and what it was computed with.
template <class T>
class Normalised {
  public:
    Normalised() = default;
    Normalised(const Shape& shape, std::size_t capacity);

    // Batch norm takes the statistics of each batch from now on, as a training does, and not the running ones.
    void use_batch_statistics() noexcept { of_batch_ = true; }
    bool of_batch() const noexcept { return of_batch_; }

    // Of a layer with a norm: u, which becomes u_hat, (n, columns).
    Matrix<T> U(std::size_t layer, std::size_t n) noexcept { return layers_[layer].U.first(n); }

    // 1 / sqrt(variance + eps): of each sample, (capacity,), with layer norm; of each unit, (columns,), with batch
    // norm.
    T* rstd(std::size_t layer) noexcept { return layers_[layer].rstd.data(); }

    // The moments of the last batch, (columns,).
    T* mean(std::size_t layer) noexcept { return layers_[layer].mean.data(); }
    T* variance(std::size_t layer) noexcept { return layers_[layer].variance.data(); }

    // Room for db and dg of a batch, (columns,), with batch norm.
    T* db(std::size_t layer) noexcept { return layers_[layer].db.data(); }
    T* dg(std::size_t layer) noexcept { return layers_[layer].dg.data(); }

  private:
    struct Layer {
        Rows<T> U;
        Buffer<T> rstd;
        Buffer<T> mean;
        Buffer<T> variance;
        Buffer<T> db;
        Buffer<T> dg;
    };

    bool of_batch_ = false;
    std::vector<Layer> layers_;
};

// Z (n, columns) = z of a layer with a norm, from Z = u in place, with the running statistics for batch norm.
// Throws Stopped, as all below.
template <class T>
void normalise(const Network<T>& network, std::size_t layer, Matrix<T> Z, Team& team);

// u of `of` becomes u_hat; Z (n, columns) = g u_hat + b.
template <class T>
void normalise(const Network<T>& network, std::size_t layer, Normalised<T>& of, Matrix<T> Z, Team& team);

// dU (n, columns) = dC/du from Delta = dC/dz of the same shape, with u_hat of `of`.
template <class T>
void norm_backward(const Network<T>& network, std::size_t layer, Normalised<T>& of, Matrix<const T> Delta, Matrix<T> dU,
                   Team& team);

// The running statistics move a tenth of the way to those of the last batch, of n samples; its variance unbiased.
template <class T>
void follow_batch(Network<T>& network, Normalised<T>& of, std::size_t n) noexcept;

}  // namespace rosenblatt
