// Update: w := w - epsilon dC/dw, for all parameters at once.
#pragma once

#include "base/buffer.hpp"
#include "model/network.hpp"
#include "model/team.hpp"
#include "model/workspace.hpp"

namespace rosenblatt {

// Stochastic gradient descent. momentum in [0, 1); nesterov: look ahead along the velocity.
struct Sgd {
    double learning_rate;
    double momentum;
    bool nesterov;
};

// An optimiser at work: its rule, and its velocities where it has any.
template <class T>
class Optimizer {
  public:
    Optimizer(Sgd rule, std::size_t n_params)
        : rule_(rule), velocity_(static_cast<T>(rule.momentum) > 0 ? n_params : 0) {}

    T* velocity() noexcept { return velocity_.data(); }  // (n_params,), null without momentum

    SgdStep<T> step() const noexcept {
        return {static_cast<T>(rule_.learning_rate), static_cast<T>(rule_.momentum), rule_.nesterov};
    }

  private:
    Sgd rule_;
    Buffer<T> velocity_;
};

// One step along -grad (n_params,). Never cut short: a network's parameters are those of a whole number of steps.
template <class T>
void update(Network<T>& network, Vector<const T> grad, Optimizer<T>& optimizer, Team& team) noexcept;

// weight_gradients and update in one pass over each W: the gradient of a tile becomes a step while it is in the nearest
// cache, and is never stored. The same bits. Never cut short. `ahead`: the rows that the next step will gather.
template <class T>
void descend(Network<T>& network, Scattered<const T> X, Workspace<T>& work, Optimizer<T>& optimizer, Ahead<T> ahead,
             Team& team);

}  // namespace rosenblatt
