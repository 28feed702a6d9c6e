// Checkpoint: all that a training is between two epochs, beside the network, so that another run can go on from there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/buffer.hpp"

namespace rosenblatt {

// What is known of an epoch when it is over.
struct EpochNumbers {
    double loss = 0;
    std::optional<double> validation_loss = {};
    std::optional<double> learning_rate = {};  // of its last step; none where the optimiser finds its own
    std::optional<double> gradient_norm = {};  // the mean over its steps, where that was asked for
    double penalty = 0;                        // of alpha: its mean over the samples
};

enum class StopReason : std::uint8_t { epochs, observer, deadline, converged };

// The numbers of the epochs that were finished; those that an epoch does not have are no curve.
struct TrainingHistory {
    std::vector<double> loss_curve;
    std::vector<double> validation_curve;
    std::vector<double> learning_rates;
    std::vector<double> gradient_norms;
    StopReason stop_reason = StopReason::epochs;

    std::size_t epochs() const noexcept { return loss_curve.size(); }
    void add(const EpochNumbers& epoch) {
        loss_curve.push_back(epoch.loss);
        if (epoch.validation_loss) validation_curve.push_back(*epoch.validation_loss);
        if (epoch.learning_rate) learning_rates.push_back(*epoch.learning_rate);
        if (epoch.gradient_norm) gradient_norms.push_back(*epoch.gradient_norm);
    }
};

// The random numbers of an epoch follow from the seed and its number: they need no state.
template <class T>
struct Checkpoint {
    TrainingHistory history;
    std::vector<double> numbers;     // of the optimiser
    std::vector<Buffer<T>> vectors;  // what it has for every parameter: each (n_params,), as the user's theta lies
};

// Decides after every finished epoch, once the observer has seen it, whether to write a checkpoint, and writes it. Both
// functions may throw.
template <class T>
class CheckpointWriter {
  public:
    virtual ~CheckpointWriter() = default;
    virtual bool wants(bool last_epoch) = 0;
    // The user's network has the parameters of the checkpoint.
    virtual void write(const Checkpoint<T>& checkpoint) = 0;
};

}  // namespace rosenblatt
