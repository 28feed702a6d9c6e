// Learner: training that goes on from call to call, for samples that come a few at a time: what it allocates and what
// its optimiser remembers stay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/buffer.hpp"
#include "model/batches.hpp"
#include "model/checkpoint.hpp"
#include "model/gradient_step.hpp"
#include "model/network.hpp"
#include "model/team.hpp"
#include "model/train.hpp"

namespace rosenblatt {

template <class T>
class Learner {
  public:
    // For networks of this shape, in batches of at most `capacity` samples. `dropout` as Training has it; its masks are
    // drawn by the seed, for the calls as for epochs.
    Learner(const Shape& shape, LossRule loss, const OptimizerSettings& optimizer, std::size_t capacity,
            std::vector<double> dropout, std::uint64_t seed)
        : dropout_(std::move(dropout)), seed_(seed), step_(shape, loss, nullptr, optimizer, capacity, false) {}

    // Takes the steps that an epoch of `train` would: samples, sparse or not, in this order (n,), or as they lie if it
    // is empty. Batches whose samples weigh nothing are skipped. Throws Stopped between two steps, and Diverged if a
    // cost or, in the end, a weight is not finite. If it throws, network and optimiser are as they were.
    EpochMeans learn(Network<T>& network, const Samples<T>& samples, std::size_t batch_size,
                     Vector<const std::size_t> order, Team& team);

    // One step with one sample, not sparse, whose gradient is multiplied by `factor`; the sample's cost before the
    // step. Throws Diverged if the cost or a weight is not finite; network and optimiser are then as they were.
    double learn_one(Network<T>& network, const Samples<T>& sample, double factor, Team& team);

    Optimizer<T>& optimizer() noexcept { return step_.optimizer(); }

    // The calls so far, which draw dropout's masks as epochs do.
    std::size_t& calls() noexcept { return calls_; }

  private:
    // A network and its optimiser before a step.
    struct Before {
        Snapshot<T> network;
        Checkpoint<T> optimizer;
    };
    Before before(const Network<T>& network) const;
    void restore(const Before& before, Network<T>& network) noexcept;

    void reserve(const Shape& shape, bool is_sparse);
    EpochMeans learn_batches(Network<T>& network, Batches<T>& batches, std::size_t batch_size, Team& team);
    void end_step(Network<T>& network, const Batch<T>& batch, double C, Team& team);
    void guarded_step(Network<T>& network, const Batch<T>& batch, double C, Team& team);
    bool cannot_overflow(const Shape& shape, const Batch<T>& batch) noexcept;

    std::vector<double> dropout_;
    std::uint64_t seed_;
    std::optional<bool> is_sparse_;  // the kind of samples that memory is reserved for, if any
    GradientStep<T> step_;
    std::size_t calls_ = 0;
};

}  // namespace rosenblatt
