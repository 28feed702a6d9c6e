// Train: epochs of batches; forward, loss, backward, update.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/checkpoint.hpp"
#include "model/gradient_step.hpp"
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
    // Rate for the input of each weight layer, X first, in [0, 1); empty if nothing is dropped.
    std::vector<double> dropout = {};
    double input_noise = 0;  // its standard deviation, 0 for none
    // Whether to report the norm of the gradient, which must then be stored.
    bool gradient_norm = false;
    // Checked after every step.
    std::optional<std::chrono::steady_clock::time_point> deadline = {};
};

// Receives epoch events, and step events if requested, and may stop the run. During a call the user's network has the
// current parameters, and the observer may change them. Each function may throw.
class Observer {
  public:
    virtual ~Observer() = default;
    // Called before an epoch that shuffles: writes the order (n,), indices of samples, or returns false for the seed's
    // order.
    virtual bool gives_order(std::size_t /*epoch*/, Vector<std::size_t> /*order*/) { return false; }
    virtual bool watches_epochs() const { return false; }
    virtual bool watches_steps() const { return false; }
    // True stops the run.
    virtual bool epoch_done(std::size_t /*epoch*/, const EpochNumbers& /*numbers*/) { return false; }
    virtual bool step_done(std::size_t /*epoch*/, std::size_t /*batch*/, double /*loss*/) { return false; }
};

// Thrown when a loss or a parameter is no longer finite. The network has the parameters of the end of the epoch before.
struct Diverged {
    std::size_t epoch;
    const char* what;  // "loss", "validation loss", "weights" or "running statistics"
};

// A run: the network, the samples, the settings and its observers. Everything that it points to outlives it; what is
// null or empty takes no part.
template <class T>
struct TrainingRequest {
    Network<T>& network;
    Samples<T> samples;
    std::optional<Samples<T>> validation = {};
    const Training& settings;
    CustomCost<T>* cost = nullptr;  // with one, the loss of the settings and the targets are not used
    Observer& observer;
    // A checkpoint of a run with the same settings, whose parameters the network has; the result is that of a run that
    // never stopped.
    const Checkpoint<T>* resumed = nullptr;
    CheckpointWriter<T>* checkpoint_writer = nullptr;  // if it throws, the network has the parameters of the last epoch
    // (n_params,), in the layout of theta: receives the averaged weights if the optimiser keeps them.
    Vector<T> average = {};
    // Receives the optimiser's state at the end, also if something is thrown; lbfgs does not change it.
    Checkpoint<T>* memory = nullptr;
};

// Throws Stopped, Diverged, and what the observer, the cost and a schedule's callable throw. After Stopped, the network
// has the parameters of the last finished step.
template <class T>
TrainingHistory train(const TrainingRequest<T>& request, Team& team);

}  // namespace rosenblatt
