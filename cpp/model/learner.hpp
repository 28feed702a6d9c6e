// Learner: training that goes on from call to call, for samples that come a few at a time: what it allocates and what its
// optimiser remembers stay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/buffer.hpp"
#include "model/batches.hpp"
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

    // Takes the steps that an epoch of `train` would: samples, sparse or not, in this order (n,), or as they lie where it is
    // null. Batches whose samples weigh nothing are passed over. Throws Stopped between two steps, and Diverged where a cost
    // is not finite, whose step is not taken, or the weights are not in the end.
    Means learn(Network<T>& network, const Samples<T>& samples, std::size_t batch_size, const std::int64_t* order,
                Team& team);

    // One step with one sample, not sparse; its cost before it. Throws Diverged for a cost that is not finite.
    double learn_one(Network<T>& network, const Samples<T>& sample, Team& team);

    Optimizer<T>& optimizer() noexcept { return optimizer_; }

  private:
    void make_room(const Shape& shape, bool is_sparse);
    double step(Network<T>& network, const Batch<T>& batch, std::size_t first_row, Team& team);

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
