// Noise: normal numbers that are added to the inputs in every step.
#pragma once

#include <cstdint>

#include "model/rows.hpp"
#include "model/team.hpp"

namespace rosenblatt {

template <class T>
class InputNoise {
  public:
    InputNoise() = default;

    // deviation: the standard deviation of the noise, or 0 for none at all.
    InputNoise(double deviation, std::size_t n_features, std::size_t capacity, std::uint64_t seed)
        : deviation_(deviation), seed_(seed), noisy_(deviation > 0 ? capacity : 0, n_features) {}

    bool active() const noexcept { return deviation_ > 0; }

    // X (n, n_features) with noise; its first row is the `first_row`-th of the epoch. Valid until the next call. Throws
    // Stopped.
    Scattered<const T> on(Scattered<const T> X, std::size_t epoch, std::size_t first_row, Team& team);

  private:
    double deviation_ = 0;
    std::uint64_t seed_ = 0;
    Rows<T> noisy_;
};

}  // namespace rosenblatt
