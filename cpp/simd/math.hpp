// exp, log, tanh, sin, the normal distribution and their kin over one register: the algorithms of docs/arithmetic.md,
// section 2, operation by operation.
// One source for every instruction set, so that each gives the same bits. Largest errors: docs/arithmetic.md.
#pragma once

#include "simd/pack.hpp"

namespace rosenblatt {
namespace {

template <class T>
struct Constants;

// The polynomials are minimax by Remez exchange: expm1 for (e^r - 1 - r) / r^2 on |r| <= ln(2) / 2, log for (2
// artanh(s) / s - 2) / s^2 on 0 <= s^2 <= ((sqrt(2) - 1) / (sqrt(2) + 1))^2, sin for (sin(r) / r - 1) / r^2 and cos for
// (cos(r) - 1 + r^2 / 2) / r^4 in powers of r^2 on |r| <= 0.9, in float64 pi / 4, normal for (1 + y) e^(y^2 / 2)
// Phi(-y) in powers of (y - centre) / (y + centre) on 0 <= y <= normal_ends. ln2_high + ln2_low is ln 2 to twice the
// precision, the three parts of half_pi are pi / 2 to three times.
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
    static constexpr float expm1_ends = -17.4F;
    static constexpr float two_over_pi = 0.6366197723675814F;
    static constexpr float half_pi_high = 0x1.921fb6p0F;
    static constexpr float half_pi_middle = -0x1.777a5cp-25F;
    static constexpr float half_pi_low = -0x1.ee59dap-50F;
    static constexpr float angle_ends = 0x1p20F;
    static constexpr float sin[] = {-0.16666667F, 0.008333324F, -0.00019837891F, 2.7063654e-06F};
    static constexpr float cos[] = {0.04166662F, -0.0013886152F, 2.4316283e-05F};
    static constexpr float normal_ends = 14.0F;
    static constexpr float normal_centre = 5.0F;
    static constexpr float normal[] = {0.46151584F,    -0.09155228F,   0.031030463F,   0.010002358F,
                                       -0.026403012F,  0.024535825F,   -0.0151563855F, 0.006536185F,
                                       -0.0017129177F, -4.527406e-05F, 0.00020283741F};
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
    static constexpr double expm1_ends = -37.5;
    static constexpr double two_over_pi = 0.6366197723675814;
    static constexpr double half_pi_high = 0x1.921fb54442d18p0;
    static constexpr double half_pi_middle = 0x1.1a62633145c07p-54;
    static constexpr double half_pi_low = -0x1.f1976b7ed8fbcp-110;
    static constexpr double angle_ends = 0x1p20;
    static constexpr double sin[] = {-0.1666666666666663,   0.008333333333322118,    -0.00019841269829588699,
                                     2.755731362106399e-06, -2.5050747708664718e-08, 1.5896226833611812e-10};
    static constexpr double cos[] = {0.041666666666666595,   -0.0013888888888873056, 2.4801587288851328e-05,
                                     -2.755731417915828e-07, 2.087570081924635e-09,  -1.135853515319814e-11};
    static constexpr double normal_ends = 39.0;
    static constexpr double normal_centre = 5.0;
    static constexpr double normal[] = {
        0.46151582985003775,    -0.09155228183400885,   0.031030368425963913,   0.010002352385208245,
        -0.02640104296633006,   0.024536963244358476,   -0.015170415401793706,  0.006522000657795968,
        -0.0016760723557098232, 7.791677685359098e-06,  0.00018233424096759384, -5.3607965557349214e-05,
        -9.896596698296002e-06, 9.060957283477813e-06,  -6.87083145076684e-08,  -1.3094661429330753e-06,
        1.2446416683685737e-07, 1.9823112690129198e-07, -2.190408502546489e-08, -3.153294986893556e-08,
        4.671976514877901e-10,  3.8583597103900554e-09, 6.977567914410226e-10};
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

// e^x - 1 for x <= 0.
template <class T>
ROSENBLATT_INLINE Pack<T> expm1(Pack<T> x) noexcept {
    const Pack<T> ends = broadcast(Constants<T>::expm1_ends);
    const auto [n, p] = expm1_reduced(select<T>(x < ends, ends, x));  // a NaN stays
    const Pack<T> scale = power_of_two(n);
    return flush(fma(p, scale, scale - broadcast(T{1})));
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

// ln(1 + e^x).
template <class T>
ROSENBLATT_INLINE Pack<T> softplus(Pack<T> x) noexcept {
    return select<T>(x > zero<T>(), x, zero<T>()) + log1p(exp(zero<T>() - abs(x)));
}

// |x| = n pi / 2 + r, |r| about pi / 4 at most; n in the low bits of `quadrant`. An x beyond angle_ends counts as 0, an
// infinite one is a NaN.
template <class T>
struct ReducedAngle {
    Pack<T> r;
    Mask<T> quadrant;
};

template <class T>
ROSENBLATT_INLINE ReducedAngle<T> reduced_angle(Pack<T> x) noexcept {
    using C = Constants<T>;
    const Pack<T> magnitude = abs(x);
    const Pack<T> y = select<T>(magnitude > broadcast(C::angle_ends), x - x, magnitude);
    const Pack<T> n = round_to_integer(y * broadcast(C::two_over_pi));
    Pack<T> r = fma(n, broadcast(-C::half_pi_high), y);
    r = fma(n, broadcast(-C::half_pi_middle), r);
    r = fma(n, broadcast(-C::half_pi_low), r);
    return {r, bits(n + broadcast(Format<T>::round_magic))};
}

// sin(quadrant pi / 2 + r): the sine of r or its cosine, and the sign of the half turn.
template <class T>
ROSENBLATT_INLINE Pack<T> sin_in_quadrant(ReducedAngle<T> angle) noexcept {
    using C = Constants<T>;
    using Bits = typename Pack<T>::Bits;
    const Pack<T> r = angle.r;
    const Pack<T> z = r * r;
    const Pack<T> sine = fma(r * z, horner(C::sin, z), r);
    const Pack<T> cosine = fma(z * z, horner(C::cos, z), fma(z, broadcast(T{-0.5}), broadcast(T{1})));
    const Pack<T> y = flush(select<T>((angle.quadrant & Bits{1}) != Bits{0}, cosine, sine));
    constexpr int to_the_sign = sizeof(T) * 8 - 2;
    return from_bits<T>(bits(y) ^ ((angle.quadrant & Bits{2}) << to_the_sign));
}

template <class T>
ROSENBLATT_INLINE Pack<T> sin(Pack<T> x) noexcept {
    return from_bits<T>(bits(sin_in_quadrant(reduced_angle(x))) ^ (bits(x) & sign_bits<T>()));
}

template <class T>
ROSENBLATT_INLINE Pack<T> cos(Pack<T> x) noexcept {
    ReducedAngle<T> angle = reduced_angle(x);
    angle.quadrant += typename Pack<T>::Bits{1};
    return sin_in_quadrant(angle);
}

// Phi(x), the standard normal distribution, and its bell e^(-x^2 / 2).
template <class T>
struct Normal {
    Pack<T> cdf;
    Pack<T> bell;
};

template <class T>
ROSENBLATT_INLINE Normal<T> normal(Pack<T> x) noexcept {
    using C = Constants<T>;
    const Pack<T> one = broadcast(T{1});
    const Pack<T> half = broadcast(T{-0.5});
    const Pack<T> centre = broadcast(C::normal_centre);
    const Pack<T> ends = broadcast(C::normal_ends);
    const Pack<T> magnitude = abs(x);
    const Pack<T> y = select<T>(magnitude > ends, ends, magnitude);  // a NaN stays
    const Pack<T> square = y * y;
    const Pack<T> rest = fma(y, y, zero<T>() - square);  // what rounding took from the square
    const Pack<T> e = exp(half * square);
    const Pack<T> bell = fma(e, half * rest, e);
    const Pack<T> scaled = horner(C::normal, (y - centre) / (y + centre));
    const Pack<T> tail = flush((bell * scaled) / (one + y));
    return {select<T>(x < zero<T>(), tail, one - tail), bell};
}

template <class T>
ROSENBLATT_INLINE Pack<T> normal_cdf(Pack<T> x) noexcept {
    return normal(x).cdf;
}

}  // namespace
}  // namespace rosenblatt
