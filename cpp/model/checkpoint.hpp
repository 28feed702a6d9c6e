// Checkpoint: the state of a run between two epochs, except the network, from which another run can continue.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/buffer.hpp"

namespace rosenblatt {

// The numbers of a finished epoch.
struct EpochNumbers {
    double loss = 0;
    std::optional<double> validation_loss = {};
    std::optional<double> learning_rate = {};  // of its last step; none if the optimiser chooses its own
    std::optional<double> gradient_norm = {};  // the mean over its steps, if requested
    double penalty = 0;                        // the penalty of alpha, averaged over the samples
};

enum class StopReason : std::uint8_t { epochs, observer, deadline, converged };

// One entry per finished epoch; a quantity that was not measured has an empty curve.
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
    std::vector<Buffer<T>> vectors;  // its state per parameter: each (n_params,), in the layout of the user's theta
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

    // Writes a checkpoint if one is due; save_state(checkpoint) adds the state of the optimiser.
    template <class F>
    void offer(const TrainingHistory& history, std::size_t epochs, F save_state) {
        if (!wants(history.stop_reason != StopReason::epochs || history.epochs() == epochs)) return;
        Checkpoint<T> checkpoint{history, {}, {}};
        save_state(checkpoint);
        write(checkpoint);
    }
};

}  // namespace rosenblatt
