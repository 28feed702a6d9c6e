// Update rules: how a gradient becomes a step, and the numbers that each needs (docs/arithmetic.md, section 5).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/views.hpp"

namespace rosenblatt {

// The update rules, variants of an optimiser included.
enum class Rule : std::uint8_t {
#define ROSENBLATT_RULE(name, n_states, ...) name,
#include "kernels/rules.def"
};

constexpr std::size_t max_states = 3;

// State variables per parameter.
ROSENBLATT_INLINE constexpr std::size_t n_states(Rule rule) noexcept {
    constexpr std::uint8_t counts[] = {
#define ROSENBLATT_RULE(name, n_states, ...) n_states,
#include "kernels/rules.def"
    };
    return counts[static_cast<std::size_t>(rule)];
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

// An update rule and the numbers of its next step, rounded to T. A rule reads the numbers in its formula.
template <class T>
struct UpdateRule {
    Rule rule;
    T rate;        // learning rate, times the correction of the first steps if the rule has one
    T decay;       // share of itself that a parameter loses
    T momentum;    // share of the velocity that stays
    T beta1;       // share of the mean that stays
    T rest1;       // 1 - beta1
    T beta2;       // share of the mean square that stays
    T rest2;       // 1 - beta2
    T correction;  // factor of the root of the mean square
    T eps;
    T direct;  // nadam: rate of the gradient itself
    T shrink;  // rprop: factors of the step size
    T grow;
    T smallest;  // rprop: bounds of the step size
    T largest;
    Adjustment<T> adjustment;  // of the gradients of weights

    // True for w := w - epsilon dC/dw, which changes nothing where the gradient is 0 and has faster kernels.
    ROSENBLATT_INLINE constexpr bool is_plain_descent() const noexcept {
        return rule == Rule::descent && !adjustment.penalises && !adjustment.limits;
    }
};

}  // namespace rosenblatt
