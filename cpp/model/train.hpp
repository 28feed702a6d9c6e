// Train: epochs of batches; forward, loss, backward, update.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/checkpoint.hpp"
#include "model/network.hpp"
#include "model/team.hpp"
#include "model/update.hpp"
#include "model/workspace.hpp"

namespace rosenblatt {

struct Training {
    LossRule loss;
    OptimizerSettings optimizer;
    std::size_t batch_size;
    std::size_t epochs;
    bool shuffle;
    std::uint64_t seed;
    // Of what goes into each weight layer, X first, in [0, 1); empty where nothing is dropped.
    std::vector<double> dropout = {};
    double input_noise = 0;  // its standard deviation, 0 for none
    // Whether to measure the gradient, which is stored for that.
    bool gradient_norm = false;
    // Looked at after every step.
    std::optional<std::chrono::steady_clock::time_point> deadline = {};
};

// Who watches a training: told of every epoch and of every step where it asks for that, may end it. While it is told, the
// user's network has the current parameters, and it may change them. Each may throw.
class Observer {
  public:
    virtual ~Observer() = default;
    // Before an epoch whose samples are shuffled: writes their order (n,), indices of samples, or leaves it to the seed (false).
    virtual bool gives_order(std::size_t /*epoch*/, Vector<std::size_t> /*order*/) { return false; }
    virtual bool watches_epochs() const { return false; }
    virtual bool watches_steps() const { return false; }
    // True: stop here.
    virtual bool epoch_done(std::size_t /*epoch*/, const EpochNumbers& /*numbers*/) { return false; }
    virtual bool step_done(std::size_t /*epoch*/, std::size_t /*batch*/, double /*loss*/) { return false; }
};

// A cost of somebody's own, in place of a LossRule.
template <class T>
class CustomCost {
  public:
    virtual ~CustomCost() = default;
    // C of the output activations A (n, n_outputs) of a batch, and its derivative dC_dA, alike. The batch is made of the
    // samples `indices` (n,), or of n that begin with sample `first` where it is null.
    virtual double of_batch(Matrix<const T> A, const std::size_t* indices, std::size_t first, Matrix<T> dC_dA) = 0;
    // C of the validation samples' output activations.
    virtual double of_validation(Matrix<const T> A) = 0;
};

// Thrown when a loss or a parameter is no longer finite. The network has the parameters of the end of the epoch before.
struct Diverged {
    std::size_t epoch;
    const char* what;  // "loss", "validation loss", "weights" or "running statistics"
};

// Trains the network on `samples`; with a cost of somebody's own, training.loss and the targets are not looked at. Throws
// Stopped (the parameters are those of the last finished step), Diverged, and what the observer, the cost and a schedule's
// callable throw. `average`: where the average of the weights goes if the optimiser keeps one, (n_params,) as theta lies.
// `from`: a checkpoint of a training with the same settings, whose parameters the network has; what follows has the bits of
// a training that never stopped. `checkpoint_writer`: who is given checkpoints, if anybody; when it throws the network has the
// parameters of the last epoch. `memory`: where what the optimiser remembers goes in the end, also when something is thrown;
// lbfgs leaves it as it is.
template <class T>
TrainingHistory train(Network<T>& network, const Samples<T>& samples, const std::optional<Samples<T>>& validation,
                      const Training& training, CustomCost<T>* cost, Observer& observer, Team& team,
                      Vector<T> average = {}, const Checkpoint<T>* from = nullptr,
                      CheckpointWriter<T>* checkpoint_writer = nullptr, Checkpoint<T>* memory = nullptr);

}  // namespace rosenblatt
