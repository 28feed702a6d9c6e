// Update: w := w - epsilon dC/dw, for all parameters at once.
#pragma once

#include "base/buffer.hpp"
#include "model/network.hpp"
#include "model/team.hpp"

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

    const Sgd& rule() const noexcept { return rule_; }
    T* velocity() noexcept { return velocity_.data(); }  // (n_params,), null without momentum

  private:
    Sgd rule_;
    Buffer<T> velocity_;
};

// One step along -grad (n_params,). Never cut short: a network's parameters are those of a whole number of steps.
template <class T>
void update(Network<T>& network, Vector<const T> grad, Optimizer<T>& optimizer, Team& team) noexcept;

}  // namespace rosenblatt
