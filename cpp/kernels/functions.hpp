// The activations and losses, and their properties from the tables.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/views.hpp"

namespace rosenblatt {

enum class Activation : std::uint8_t {
#define ROSENBLATT_ACTIVATION(name, from, takes, initialiser) name,
#include "kernels/activations.def"
    custom  // supplied by the user and called by the model, never by kernels; keep last, it has no name
};
inline constexpr const char* activation_names[] = {
#define ROSENBLATT_ACTIVATION(name, from, takes, initialiser) #name,
#include "kernels/activations.def"
};

enum class DerivativeFrom : std::uint8_t { a, z };
enum class Takes : std::uint8_t { numbers, rows };

// True if f' needs z. Otherwise a suffices and z is not stored.
ROSENBLATT_INLINE constexpr bool derivative_from_z(Activation f) noexcept {
    switch (f) {
#define ROSENBLATT_ACTIVATION(name, from, takes, initialiser) \
    case Activation::name:                                    \
        return DerivativeFrom::from == DerivativeFrom::z;
#include "kernels/activations.def"
        case Activation::custom:
            return true;
    }
    return false;
}

// True if f takes a row of the layer as a whole, like softmax.
ROSENBLATT_INLINE constexpr bool acts_on_rows(Activation f) noexcept {
    switch (f) {
#define ROSENBLATT_ACTIVATION(name, from, takes, initialiser) \
    case Activation::name:                                    \
        return Takes::takes == Takes::rows;
#include "kernels/activations.def"
        case Activation::custom:
            return true;
    }
    return true;
}

enum class Loss : std::uint8_t {
#define ROSENBLATT_LOSS(name, labels, slopes, targets, outputs) name,
#include "kernels/losses.def"
};
inline constexpr const char* loss_names[] = {
#define ROSENBLATT_LOSS(name, labels, slopes, targets, outputs) #name,
#include "kernels/losses.def"
};

// A loss with its parameters, which a kernel rounds to T: huber {where the square becomes a line}, quantile {tau, one
// for all outputs or one for each}, log_loss {label smoothing}, poisson {1 where the output is the logarithm of the
// rate, 0 where it is the rate}, focal {gamma}; none for the others.
struct LossRule {
    Loss loss;
    Vector<const double> parameters;
};

// What the numbers of a target must be; the probabilities of a softmax are a distribution.
enum class TargetKind : std::uint8_t { reals, probabilities, distribution, signs, counts, direction };

struct LossFacts {
    enum class Labels : std::uint8_t { no, yes } labels;  // whether an integer label can be a target
    DerivativeFrom slopes;                                // by what the slopes are: dC/da or dC/dz
    TargetKind targets;
};
ROSENBLATT_INLINE constexpr LossFacts facts(Loss loss) noexcept {
    switch (loss) {
#define ROSENBLATT_LOSS(name, labels, slopes, targets, outputs) \
    case Loss::name:                                            \
        return {LossFacts::Labels::labels, DerivativeFrom::slopes, TargetKind::targets};
#include "kernels/losses.def"
    }
    __builtin_unreachable();
}

ROSENBLATT_INLINE constexpr bool takes_labels(Loss loss) noexcept {
    return facts(loss).labels == LossFacts::Labels::yes;
}
ROSENBLATT_INLINE constexpr bool slopes_by_z(Loss loss) noexcept { return facts(loss).slopes == DerivativeFrom::z; }

// True for losses of numbers of any size, whose targets can be scaled.
ROSENBLATT_INLINE constexpr bool takes_any_number(Loss loss) noexcept {
    return facts(loss).targets == TargetKind::reals && loss != Loss::gaussian_nll;
}

// The numbers in a sample's target: gaussian_nll has two outputs for each.
ROSENBLATT_INLINE constexpr std::size_t n_targets(Loss loss, std::size_t n_outputs) noexcept {
    return loss == Loss::gaussian_nll ? n_outputs / 2 : n_outputs;
}

}  // namespace rosenblatt
