// Rules: how a gradient becomes a step, and the numbers that a step of each needs (docs/arithmetic.md, section 5).
#pragma once

#include <cstddef>
#include <cstdint>

namespace rosenblatt {

// An update rule and its variants, with the state variables that each keeps per parameter.
enum class Rule : std::uint8_t {
    descent,                    // none
    momentum,                   // the velocity
    nesterov,                   // the velocity
    adagrad,                    // the sum of the squares
    rmsprop,                    // the mean square
    rmsprop_momentum,           // the mean square, the velocity
    rmsprop_centered,           // the mean square, the mean
    rmsprop_centered_momentum,  // the mean square, the mean, the velocity
    adam,                       // the mean, the mean square
    amsgrad,                    // the mean, the mean square, its largest so far
    nadam,                      // the mean, the mean square
    lion,                       // the mean
    rprop                       // the sign of the last gradient, the size of the step
};

constexpr std::size_t max_states = 3;

constexpr std::size_t n_states(Rule rule) noexcept {
    switch (rule) {
        case Rule::descent:
            return 0;
        case Rule::momentum:
        case Rule::nesterov:
        case Rule::adagrad:
        case Rule::rmsprop:
        case Rule::lion:
            return 1;
        case Rule::rmsprop_momentum:
        case Rule::rmsprop_centered:
        case Rule::adam:
        case Rule::nadam:
        case Rule::rprop:
            return 2;
        case Rule::rmsprop_centered_momentum:
        case Rule::amsgrad:
            return 3;
    }
    return 0;
}

// Applied to a gradient before the update: L1 and L2 terms, then clipping.
template <class T>
struct Adjustment {
    T l1;
    T l2;
    T limit;  // of each component's size
    bool penalises;
    bool limits;
};

// One step of a rule: its numbers, rounded to T. A rule uses those that its formula has.
template <class T>
struct RuleStep {
    Rule rule;
    T rate;      // the learning rate, with the correction for the first steps where the rule has one
    T decay;     // the part of itself that a parameter loses
    T momentum;  // the part of a velocity that stays
    T beta1;     // the part of a mean that stays,
    T rest1;     // and 1 less it
    T beta2;     // the same of a mean square
    T rest2;
    T correction;  // what the root of a mean square is multiplied by
    T eps;
    T direct;  // nadam: the rate of the gradient itself
    T shrink;  // rprop: the factors of a step's size,
    T grow;
    T smallest;  // and its bounds
    T largest;
    Adjustment<T> adjustment;  // of the gradients of weights
};

}  // namespace rosenblatt
