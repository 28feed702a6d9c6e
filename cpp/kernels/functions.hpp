// The activations and losses there are, and their names: each stands here once.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rosenblatt {

enum class Activation : std::uint8_t { identity, logistic, tanh, relu, softmax };
inline constexpr const char* activation_names[] = {"identity", "logistic", "tanh", "relu", "softmax"};

enum class Loss : std::uint8_t { squared_error, log_loss };
inline constexpr const char* loss_names[] = {"squared_error", "log_loss"};

}  // namespace rosenblatt
