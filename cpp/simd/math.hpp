// exp, log, tanh, logistic over one register: the algorithms of docs/arithmetic.md, section 2, operation by operation.
// One source for every instruction set, so that each gives the same bits. Largest errors: docs/arithmetic.md.
#pragma once

#include "simd/pack.hpp"

namespace rosenblatt {
namespace {

template <class T>
struct Constants;

// The polynomials are minimax by Remez exchange: expm1 for (e^r - 1 - r) / r^2 on |r| <= ln(2) / 2, log for
// (2 artanh(s) / s - 2) / s^2 on 0 <= s^2 <= ((sqrt(2) - 1) / (sqrt(2) + 1))^2. ln2_high + ln2_low is ln 2 to twice the precision.
template <>
struct Constants<float> {
    static constexpr float log2_e = 1.4426950408889634F;
    static constexpr float ln2_high = 0x1.62e43p-1F;
    static constexpr float ln2_low = -0x1.05c61p-29F;
    static constexpr float exp_lowest = -87.33655F;
    static constexpr float exp_highest = 88.72284F;
    static constexpr float tanh_saturates = 9.1F;
    static constexpr float expm1[] = {0.49999997F, 0.16666543F, 0.0416672F, 0.00836652F, 0.0013882545F};
    static constexpr float log[] = {0.66666776F, 0.3997754F, 0.29871812F};
    static constexpr std::int32_t sqrt_half_bits = 0x3F3504F3;
};
template <>
struct Constants<double> {
    static constexpr double log2_e = 1.4426950408889634;
    static constexpr double ln2_high = 0x1.62e42fefa39efp-1;
    static constexpr double ln2_low = 0x1.abc9e3b39803fp-56;
    static constexpr double exp_lowest = -708.3964185322641;
    static constexpr double exp_highest = 709.782712893384;
    static constexpr double tanh_saturates = 19.1;
    static constexpr double expm1[] = {0.5000000000000006,     0.16666666666666588,   0.0416666666665768,
                                       0.008333333333389509,   0.0013888888931553758, 0.0001984126971909497,
                                       2.4801505285112306e-05, 2.755740746941562e-06, 2.762603393949444e-07,
                                       2.5053796700027062e-08};
    static constexpr double log[] = {0.6666666666666734, 0.39999999999414765, 0.28571428742391153, 0.2222219857109598,
                                     0.181835645077515,  0.15314044307104738, 0.14796026297448717};
    static constexpr std::int64_t sqrt_half_bits = 0x3FE6A09E667F3BCD;
};

// c[0] + x (c[1] + x (c[2] + ...))
template <class T, std::size_t N>
ROSENBLATT_INLINE Pack<T> horner(const T (&c)[N], Pack<T> x) noexcept {
    Pack<T> sum = broadcast(c[N - 1]);
    for (std::size_t i = N - 1; i-- > 0;) sum = fma(sum, x, broadcast(c[i]));
    return sum;
}

// A result below the smallest normal number is 0.
template <class T>
ROSENBLATT_INLINE Pack<T> flush(Pack<T> x) noexcept {
    return select<T>(abs(x) < broadcast(Format<T>::smallest_normal), zero<T>(), x);
}

// To the nearest integer, ties to even, for |x| < 2^(fraction bits - 1).
template <class T>
ROSENBLATT_INLINE Pack<T> round_to_integer(Pack<T> x) noexcept {
    const Pack<T> magic = broadcast(Format<T>::round_magic);
    return (x + magic) - magic;
}

// 2^n for an integral n in the range of normal exponents: n lands in the low bits of n + magic, from where it is
// shifted into the exponent.
template <class T>
ROSENBLATT_INLINE Pack<T> power_of_two(Pack<T> n) noexcept {
    const auto integer = bits(n + broadcast(Format<T>::round_magic));
    return from_bits<T>((integer + Format<T>::exponent_bias) << Format<T>::fraction_bits);
}

// e^x = 2^n (1 + p), |p| < 0.42.
template <class T>
struct ReducedExp {
    Pack<T> n;
    Pack<T> p;
};

template <class T>
ROSENBLATT_INLINE ReducedExp<T> expm1_reduced(Pack<T> x) noexcept {
    using C = Constants<T>;
    const Pack<T> n = round_to_integer(x * broadcast(C::log2_e));
    Pack<T> r = fma(n, broadcast(-C::ln2_high), x);
    r = fma(n, broadcast(-C::ln2_low), r);
    return {n, fma(r * r, horner(C::expm1, r), r)};
}

template <class T>
ROSENBLATT_INLINE Pack<T> exp(Pack<T> x) noexcept {
    using C = Constants<T>;
    const Pack<T> one = broadcast(T{1});
    const auto [n, p] = expm1_reduced(x);
    const Pack<T> half = round_to_integer(n * broadcast(T{0.5}));
    Pack<T> y = flush(((one + p) * power_of_two(half)) * power_of_two(n - half));
    y = select<T>(x < broadcast(C::exp_lowest), zero<T>(), y);
    return select<T>(x > broadcast(C::exp_highest), one / zero<T>(), y);
}

template <class T>
ROSENBLATT_INLINE Pack<T> tanh(Pack<T> x) noexcept {
    const Pack<T> one = broadcast(T{1});
    const Pack<T> saturates = broadcast(Constants<T>::tanh_saturates);
    const Pack<T> magnitude = abs(x);
    const Pack<T> y = select<T>(magnitude > saturates, saturates, magnitude);  // a NaN stays
    const auto [n, p] = expm1_reduced(y + y);
    const Pack<T> scale = power_of_two(n);
    const Pack<T> m = fma(p, scale, scale - one);
    return with_sign(flush(m / (m + broadcast(T{2}))), x);
}

template <class T>
ROSENBLATT_INLINE Pack<T> logistic(Pack<T> x) noexcept {
    const Pack<T> one = broadcast(T{1});
    const Pack<T> e = exp(zero<T>() - abs(x));
    return flush(select<T>(x >= zero<T>(), one, e) / (one + e));
}

// ln x for finite x >= 1.
template <class T>
ROSENBLATT_INLINE Pack<T> log(Pack<T> x) noexcept {
    using C = Constants<T>;
    using F = Format<T>;
    const auto exponent = (bits(x) - C::sqrt_half_bits) >> F::fraction_bits;
    const Pack<T> m = from_bits<T>(bits(x) - (exponent << F::fraction_bits));
    const Pack<T> magic = broadcast(F::round_magic);
    const Pack<T> e = from_bits<T>(bits(magic) + exponent) - magic;
    const Pack<T> f = m - broadcast(T{1});
    const Pack<T> s = f / (broadcast(T{2}) + f);
    const Pack<T> z = s * s;
    const Pack<T> r = z * horner(C::log, z);
    const Pack<T> half = (broadcast(T{0.5}) * f) * f;
    const Pack<T> y = fma(e, broadcast(C::ln2_high), f - (half - fma(s, half + r, e * broadcast(C::ln2_low))));
    return select<T>(x == x, y, x);
}

// ln(1 + u) for 0 <= u <= 1.
template <class T>
ROSENBLATT_INLINE Pack<T> log1p(Pack<T> u) noexcept {
    const Pack<T> one = broadcast(T{1});
    const Pack<T> w = one + u;
    return log(w) + (u - (w - one)) / w;
}

}  // namespace
}  // namespace rosenblatt
