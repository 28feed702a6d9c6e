// The activations and losses there are, and their names: each stands here once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/views.hpp"

namespace rosenblatt {

enum class Activation : std::uint8_t { identity, logistic, tanh, relu, softmax };
inline constexpr const char* activation_names[] = {"identity", "logistic", "tanh", "relu", "softmax"};

enum class Loss : std::uint8_t {
    squared_error,
    absolute_error,
    huber,
    quantile,
    log_loss,
    kl_divergence,
    hinge,
    squared_hinge,
    poisson,
    gaussian_nll,
    focal,
    cosine
};
inline constexpr const char* loss_names[] = {"squared_error", "absolute_error", "huber", "quantile",
                                             "log_loss",      "kl_divergence",  "hinge", "squared_hinge",
                                             "poisson",       "gaussian_nll",   "focal", "cosine"};

// A loss with its parameters, which a kernel rounds to T: huber {where the square becomes a line}, quantile {tau, one for
// all outputs or one for each}, log_loss {label smoothing}, poisson {1 where the output is the logarithm of the rate, 0
// where it is the rate}, focal {gamma}; none for the others.
struct LossRule {
    Loss loss;
    Vector<const double> parameters;
};

// Whether an integer label can be a sample's target.
constexpr bool takes_labels(Loss loss) noexcept {
    return loss == Loss::log_loss || loss == Loss::kl_divergence || loss == Loss::hinge ||
           loss == Loss::squared_hinge || loss == Loss::focal;
}

// The numbers in a sample's target: gaussian_nll has two outputs for each.
constexpr std::size_t n_targets(Loss loss, std::size_t n_outputs) noexcept {
    return loss == Loss::gaussian_nll ? n_outputs / 2 : n_outputs;
}

}  // namespace rosenblatt
