// Schedule: the learning rate of every step, from numbers that were fixed before training (docs/arithmetic.md, section
// 5).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace rosenblatt {

// base^n by squaring, from the highest bit of n down: the same operations everywhere.
double power(double base, std::uint64_t n) noexcept;

// cos(pi u) for u in [0, 1]; largest error 1 ulp of 1.
double cos_of_half_turns(double u) noexcept;

enum class ScheduleKind : std::uint8_t {
    constant,
    step_decay,
    exponential,
    inverse_scaling,
    cosine,
    one_cycle,
    warm_up,
    plateau,
    callable
};
inline constexpr const char* schedule_names[] = {"constant",  "step_decay", "exponential", "inverse_scaling", "cosine",
                                                 "one_cycle", "warm_up",    "plateau",     "callable"};

// A schedule with its numbers: constant {rate}, step_decay {first, factor, every}, exponential {first, factor},
// inverse_scaling {first, decay, power}, cosine {first, lowest, period, growth}, one_cycle {highest, steps, rise,
// first_divisor, last_divisor}, warm_up {steps, start}, plateau {first, factor, patience, threshold, cooldown, lowest}.
struct SchedulePart {
    ScheduleKind kind;
    std::vector<double> numbers;
};

// How a rate that waits for the loss to stand still has got on.
struct Plateau {
    double rate = 0;
    double best = 0;
    double bad_epochs = 0;
    double cooling = 0;  // epochs that it will wait in any case
    double begun = 0;    // 1 once it has seen a loss
};

class Schedule {
  public:
    using Callable = std::function<double(std::uint64_t)>;

    explicit Schedule(double rate) : parts_{{ScheduleKind::constant, {rate}}} {}

    // The parts from the outside in: warm_up is followed by what it leads to. per_epoch: time is counted in epochs and
    // not in steps. The callable belongs to the part of that kind.
    Schedule(std::vector<SchedulePart> parts, bool per_epoch, Callable callable)
        : parts_(std::move(parts)), per_epoch_(per_epoch), callable_(std::move(callable)) {}

    bool constant() const noexcept { return parts_.front().kind == ScheduleKind::constant; }

    // The rate of a step, both counted from 0. Throws what the callable throws.
    double rate(std::uint64_t step, std::uint64_t epoch, const Plateau& plateau) const {
        return rate_of(0, per_epoch_ ? epoch : step, plateau);
    }

    // What a plateau starts with, and what it makes of the loss of an epoch.
    Plateau plateau() const noexcept;
    void end_epoch(Plateau& plateau, double loss) const noexcept;

  private:
    double rate_of(std::size_t part, std::uint64_t t, const Plateau& plateau) const;

    std::vector<SchedulePart> parts_;
    bool per_epoch_ = false;
    Callable callable_;
};

}  // namespace rosenblatt
