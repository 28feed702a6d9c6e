// Batches: the samples of an epoch in their order, a batch at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/buffer.hpp"
#include "model/shape.hpp"
#include "model/team.hpp"
#include "model/workspace.hpp"

namespace rosenblatt {

// order (n,) becomes the order of the samples in an epoch: a Fisher-Yates shuffle keyed by (seed, epoch). Throws
// Stopped.
void shuffle(std::uint64_t seed, std::uint32_t epoch, Vector<std::size_t> order, Team& team);

// The rows of a batch are read from the user's array; targets and weights are gathered into a buffer.
template <class T>
class Batches {
  public:
    // evenly_spaced: a batch of several rows must be, so they are gathered, too.
    Batches(Samples<T> samples, std::size_t batch_size, bool shuffled, std::uint64_t seed, bool evenly_spaced);

    void begin_epoch(std::size_t epoch, Team& team);

    // Instead of begin_epoch: the order (n,) of this epoch, to be written, if the samples are shuffled.
    Vector<std::size_t> order() noexcept { return order_.view(); }

    std::size_t count() const noexcept { return (samples_.size() + batch_size_ - 1) / batch_size_; }

    // Batch i of the epoch, 0 <= i < count(); valid until the next is taken. Throws Stopped.
    Batch<T> take(std::size_t i, Team& team);

    // The samples of batch i: indices (n,), or null for the consecutive samples from i * batch_size on.
    const std::size_t* indices(std::size_t i) const noexcept {
        return shuffled_ ? order_.data() + i * batch_size_ : nullptr;
    }

    // The rows of the batch after batch i; none after the last one, or if they are contiguous in memory.
    Prefetch<T> prefetch_after(std::size_t i) const noexcept;

  private:
    std::size_t size_of(std::size_t i) const noexcept;

    Samples<T> samples_;
    std::size_t batch_size_;
    bool shuffled_;
    bool gathers_X_;
    std::uint64_t seed_;
    Buffer<std::size_t> order_;
    RowPointers<const T> X_rows_;
    SparseRowPointers<T> sparse_rows_;
    Rows<T> X_;
    Rows<T> Y_;
    Buffer<std::int64_t> labels_;
    Buffer<double> weights_;
};

}  // namespace rosenblatt
