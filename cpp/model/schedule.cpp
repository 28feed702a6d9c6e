// Schedule: rates in float64, from multiplications, divisions and the project's own exp and log: no bit depends on the
// C library.
#include "model/schedule.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

#include "kernels/table.hpp"

namespace rosenblatt {

namespace {

// c[0] + z (c[1] + z (c[2] + ...)), every operation rounded.
template <std::size_t N>
double horner(const double (&c)[N], double z) noexcept {
    double sum = c[N - 1];
    for (std::size_t i = N - 1; i-- > 0;) sum = sum * z + c[i];
    return sum;
}

// Taylor's series on |x| <= pi / 4; what is left out is below 1e-18.
constexpr double cosine_series[] = {1.0,
                                    -1.0 / 2,
                                    1.0 / 24,
                                    -1.0 / 720,
                                    1.0 / 40320,
                                    -1.0 / 3628800,
                                    1.0 / 479001600,
                                    -1.0 / 87178291200,
                                    1.0 / 20922789888000};
constexpr double sine_series[] = {1.0,
                                  -1.0 / 6,
                                  1.0 / 120,
                                  -1.0 / 5040,
                                  1.0 / 362880,
                                  -1.0 / 39916800,
                                  1.0 / 6227020800,
                                  -1.0 / 1307674368000,
                                  1.0 / 355687428096000};
constexpr double pi = 3.141592653589793;

// x^p for x >= 1 as e^(p ln x).
double real_power(double x, double p) noexcept {
    const Kernels<double>& k = kernels<double>();
    double y = 0;
    k.log(&x, 1, &y);
    y = p * y;
    k.exp(&y, 1, &y);
    return y;
}

// From `from` to `to` along half a wave of the cosine. u in [0, 1].
double along_cosine(double from, double to, double u) noexcept {
    return to + (from - to) * 0.5 * (1 + cos_of_half_turns(u));
}

double whole(std::uint64_t n) noexcept { return static_cast<double>(n); }

double cosine(const std::vector<double>& n, std::uint64_t t) noexcept {
    auto period = static_cast<std::uint64_t>(n[2]);
    const auto growth = static_cast<std::uint64_t>(n[3]);
    if (growth == 1) t %= period;
    while (t >= period) {
        t -= period;
        period *= growth;  // at most 1,024 times a number of steps: no overflow
    }
    return along_cosine(n[0], n[1], whole(t) / whole(period));
}

double one_cycle(const std::vector<double>& n, std::uint64_t t) noexcept {
    const double highest = n[0];
    const double first = highest / n[3];
    const double last = first / n[4];
    const double end = n[1] - 1;
    const double top = std::max(n[2] * n[1] - 1, 0.0);
    if (whole(t) >= end) return last;
    if (whole(t) < top) return along_cosine(first, highest, whole(t) / top);
    return along_cosine(highest, last, (whole(t) - top) / (end - top));
}

}  // namespace

double power(double base, std::uint64_t n) noexcept {
    double p = 1;
    for (auto bit = std::bit_width(n); bit-- > 0;) {
        p = p * p;
        if ((n >> bit & 1) != 0) p = p * base;
    }
    return p;
}

double cos_of_half_turns(double u) noexcept {
    if (u > 0.5) return -cos_of_half_turns(1 - u);
    const double x = pi * (u <= 0.25 ? u : 0.5 - u);
    return u <= 0.25 ? horner(cosine_series, x * x) : x * horner(sine_series, x * x);
}

double Schedule::rate_of(std::size_t part, std::uint64_t t, const Plateau& plateau) const {
    const auto& [kind, n] = parts_[part];
    switch (kind) {
        case ScheduleKind::constant:
            return n[0];
        case ScheduleKind::step_decay:
            return n[0] * power(n[1], t / static_cast<std::uint64_t>(n[2]));
        case ScheduleKind::exponential:
            return n[0] * power(n[1], t);
        case ScheduleKind::inverse_scaling:
            return n[0] / real_power(1 + n[1] * whole(t), n[2]);
        case ScheduleKind::cosine:
            return cosine(n, t);
        case ScheduleKind::one_cycle:
            return one_cycle(n, t);
        case ScheduleKind::warm_up: {
            const auto steps = static_cast<std::uint64_t>(n[0]);
            if (t >= steps) return rate_of(part + 1, t - steps, plateau);
            return rate_of(part + 1, 0, plateau) * (n[1] + (1 - n[1]) * (whole(t) / n[0]));
        }
        case ScheduleKind::plateau:
            return plateau.rate;
        case ScheduleKind::callable:
            return callable_(t);
    }
    return 0;
}

Plateau Schedule::plateau() const noexcept {
    Plateau plateau;
    if (parts_.back().kind == ScheduleKind::plateau) plateau.rate = parts_.back().numbers[0];
    return plateau;
}

void Schedule::end_epoch(Plateau& plateau, double loss) const noexcept {
    const auto& [kind, n] = parts_.back();
    if (kind != ScheduleKind::plateau) return;
    const bool better = plateau.begun == 0 || loss < plateau.best - n[3] * std::abs(plateau.best);
    plateau.begun = 1;
    if (better) plateau.best = loss;
    plateau.bad_epochs = better || plateau.cooling > 0 ? 0 : plateau.bad_epochs + 1;
    plateau.cooling = std::max(plateau.cooling - 1, 0.0);
    if (plateau.bad_epochs <= n[2]) return;
    plateau.rate = std::max(plateau.rate * n[1], n[5]);
    plateau.cooling = n[4];
    plateau.bad_epochs = 0;
}

}  // namespace rosenblatt
