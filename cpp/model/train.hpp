// Train: epochs of batches; forward, loss, backward, update.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/network.hpp"
#include "model/team.hpp"
#include "model/update.hpp"
#include "model/workspace.hpp"

namespace rosenblatt {

struct Training {
    LossRule loss;
    Sgd optimizer;
    std::size_t batch_size;
    std::size_t epochs;
    bool shuffle;
    std::uint64_t seed;
};

// Who watches a training: told of every epoch, may end it.
class Observer {
  public:
    virtual ~Observer() = default;
    // True: stop here. May throw.
    virtual bool epoch_done(std::size_t epoch, double loss, std::optional<double> validation_loss) = 0;
};

struct TrainingHistory {
    std::vector<double> loss_curve;
    std::vector<double> validation_curve;  // empty without validation samples
    bool stopped_by_observer = false;
};

// Thrown when a loss or a parameter is no longer finite. The network has the parameters of the end of the epoch before.
struct Diverged {
    std::size_t epoch;
    const char* what;  // "loss", "validation loss" or "weights"
};

// Trains the network on `samples`. Throws Stopped (the parameters are those of the last finished step), Diverged, and
// what the observer throws.
template <class T>
TrainingHistory train(Network<T>& network, const Samples<T>& samples, const std::optional<Samples<T>>& validation,
                      const Training& training, Observer& observer, Team& team);

}  // namespace rosenblatt
