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
#include "model/network.hpp"
#include "model/team.hpp"
#include "model/train.hpp"
#include "model/update.hpp"
#include "model/workspace.hpp"

namespace rosenblatt {

template <class T>
class Learner {
  public:
    // For networks of this shape, in batches of at most `capacity` samples. `dropout` as Training has it; its masks are
    // drawn by the seed, for the calls as for epochs.
    Learner(const Shape& shape, LossRule loss, const OptimizerSettings& optimizer, std::size_t capacity,
            std::vector<double> dropout, std::uint64_t seed)
        : loss_(loss), dropout_(std::move(dropout)), seed_(seed), work_(shape, capacity), optimizer_(optimizer, shape) {
        work_.normalised().use_batch_statistics();
    }

    struct Means {
        double loss;     // over the samples, each as its batch saw it
        double penalty;  // of alpha
    };

    // Takes the steps that an epoch of `train` would: samples, sparse or not, in this order (n,), or as they lie if it
    // is empty. Batches whose samples weigh nothing are skipped. Throws Stopped between two steps, and Diverged if a
    // cost or, in the end, a weight is not finite. If it throws, network and optimiser are as they were.
    Means learn(Network<T>& network, const Samples<T>& samples, std::size_t batch_size, Vector<const std::size_t> order,
                Team& team);

    // One step with one sample, not sparse, whose gradient is multiplied by `factor`; the sample's cost before the
    // step. Throws Diverged if the cost or a weight is not finite; network and optimiser are then as they were.
    double learn_one(Network<T>& network, const Samples<T>& sample, double factor, Team& team);

    Optimizer<T>& optimizer() noexcept { return optimizer_; }

    // The calls so far, which draw dropout's masks as epochs do.
    std::size_t& calls() noexcept { return calls_; }

  private:
    // A network and its optimiser before a step.
    struct Before {
        Buffer<T> theta;
        Buffer<T> running;
        Checkpoint<T> optimizer;
    };
    Before before(const Network<T>& network) const;
    void restore(const Before& before, Network<T>& network) noexcept;

    void make_room(const Shape& shape, bool is_sparse);
    Means learn_batches(Network<T>& network, Batches<T>& batches, std::size_t batch_size, Team& team);
    double cost_and_deltas(Network<T>& network, const Batch<T>& batch, std::size_t first_row, double factor,
                           Team& team);
    void step(Network<T>& network, const Batch<T>& batch, double C, Team& team);
    void guarded_step(Network<T>& network, const Batch<T>& batch, double C, Team& team);
    bool cannot_overflow(const Shape& shape, const Batch<T>& batch) noexcept;

    LossRule loss_;
    std::vector<double> dropout_;
    std::uint64_t seed_;
    std::optional<bool> is_sparse_;  // of what rows dropout has room for, if for any
    Workspace<T> work_;
    Optimizer<T> optimizer_;
    Buffer<T> grad_;  // (n_params,), or empty while every step was taken in one pass
    std::size_t calls_ = 0;
};

}  // namespace rosenblatt
