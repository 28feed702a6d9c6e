// Losses: their names, checks of the output and the parameters, and their messages.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kernels/functions.hpp"
#include "model/shape.hpp"

namespace rosenblatt::bindings {

// A loss on its way from Python: its name and its parameters.
using NamedLoss = std::pair<std::string, std::vector<double>>;

// The names of the losses for which `chosen` is true.
std::vector<std::string> names_of_losses(bool (*chosen)(Loss));

// What a loss expects of its targets.
TargetKind target_kind(Loss loss, Activation output) noexcept;

// The rule of a loss, valid while `named` lives; ValueError if it does not fit the network, or T cannot hold a
// parameter.
template <class T>
LossRule take_loss(const NamedLoss& named, const Shape& shape);

}  // namespace rosenblatt::bindings
