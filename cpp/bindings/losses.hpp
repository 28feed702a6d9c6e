// Losses: checks of the output, the targets and the parameters, and their messages.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kernels/functions.hpp"
#include "model/shape.hpp"

namespace rosenblatt::bindings {

// A loss on its way from Python: its name and its parameters.
using NamedLoss = std::pair<std::string, std::vector<double>>;

// What a loss expects of its targets.
TargetKind target_kind(Loss loss, Activation output) noexcept;

// The rule of a loss, valid while `named` lives; ValueError if it does not fit the network, or T cannot hold a
// parameter.
template <class T>
LossRule take_loss(const NamedLoss& named, const Shape& shape);

}  // namespace rosenblatt::bindings
