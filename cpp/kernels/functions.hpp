// The activations and losses there are, and their names: each stands here once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/views.hpp"

namespace rosenblatt {

enum class Activation : std::uint8_t {
    identity,
    logistic,
    tanh,
    relu,
    softmax,
    leaky_relu,
    elu,
    selu,
    gelu,
    gelu_tanh,
    silu,
    mish,
    softplus,
    softsign,
    hard_sigmoid,
    hard_tanh,
    relu6,
    sin,
    step,
    log_softmax,
    custom  // supplied by the user and called by the model, never by kernels; keep last, it has no name
};
inline constexpr const char* activation_names[] = {"identity",   "logistic", "tanh",     "relu",     "softmax",
                                                   "leaky_relu", "elu",      "selu",     "gelu",     "gelu_tanh",
                                                   "silu",       "mish",     "softplus", "softsign", "hard_sigmoid",
                                                   "hard_tanh",  "relu6",    "sin",      "step",     "log_softmax"};

// Whether f'(z) is computed from z; for the others a = f(z) says as much, and no layer's z need be kept.
constexpr bool derivative_from_z(Activation f) noexcept {
    switch (f) {
        case Activation::gelu:
        case Activation::gelu_tanh:
        case Activation::silu:
        case Activation::mish:
        case Activation::sin:
        case Activation::custom:
            return true;
        case Activation::identity:
        case Activation::logistic:
        case Activation::tanh:
        case Activation::relu:
        case Activation::softmax:
        case Activation::leaky_relu:
        case Activation::elu:
        case Activation::selu:
        case Activation::softplus:
        case Activation::softsign:
        case Activation::hard_sigmoid:
        case Activation::hard_tanh:
        case Activation::relu6:
        case Activation::step:
        case Activation::log_softmax:
            return false;
    }
    return false;
}

// The normal density at 0, 1 / sqrt(2 pi), and v(z) = 2 sqrt(2 / pi) (z + 0.044715 z^3) of gelu's tanh form.
inline constexpr double density_at_0 = 0.3989422804014327;
inline constexpr double gelu_linear = 1.5957691216057308;
inline constexpr double gelu_cubic = 0.07135481627260025;

// Whether f looks at the whole row of a layer, where the others take each number by itself.
constexpr bool acts_on_rows(Activation f) noexcept {
    return f == Activation::softmax || f == Activation::log_softmax || f == Activation::custom;
}

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

// A loss with its parameters, which a kernel rounds to T: huber {where the square becomes a line}, quantile {tau, one
// for all outputs or one for each}, log_loss {label smoothing}, poisson {1 where the output is the logarithm of the
// rate, 0 where it is the rate}, focal {gamma}; none for the others.
struct LossRule {
    Loss loss;
    Vector<const double> parameters;
};

// Whether an integer label can be a sample's target.
constexpr bool takes_labels(Loss loss) noexcept {
    return loss == Loss::log_loss || loss == Loss::kl_divergence || loss == Loss::hinge ||
           loss == Loss::squared_hinge || loss == Loss::focal;
}

// Whether a loss has its slopes by z, not by a (docs/arithmetic.md, section 4).
constexpr bool slopes_by_z(Loss loss) noexcept {
    return loss == Loss::log_loss || loss == Loss::kl_divergence || loss == Loss::focal;
}

// The numbers in a sample's target: gaussian_nll has two outputs for each.
constexpr std::size_t n_targets(Loss loss, std::size_t n_outputs) noexcept {
    return loss == Loss::gaussian_nll ? n_outputs / 2 : n_outputs;
}

}  // namespace rosenblatt
