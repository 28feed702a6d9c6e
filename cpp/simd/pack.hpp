// Pack<T>: one register of T, the only place that knows a width or an intrinsic. Each ISA object compiles its own,
// in an anonymous namespace, so that no function of it exists outside that object.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/views.hpp"
#include "simd/unrolled.hpp"

#if defined(__AVX512F__)
#include <immintrin.h>
#define ROSENBLATT_PACK_BYTES 64
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define ROSENBLATT_PACK_BYTES 32
#elif defined(__aarch64__)
#include <arm_neon.h>
#define ROSENBLATT_PACK_BYTES 16
#elif defined(__SSE2__)
#include <immintrin.h>
#define ROSENBLATT_PACK_BYTES 16
#else
#define ROSENBLATT_PACK_BYTES 16
#endif

namespace rosenblatt {
namespace {

#if defined(__FMA__) || defined(__aarch64__)
constexpr bool fma_in_hardware = true;
#else
constexpr bool fma_in_hardware = false;  // the C library computes it, some 35 times slower
#endif

// The bits of a T as a signed integer, and where its exponent begins.
template <class T>
struct Format;
template <>
struct Format<float> {
    using Bits = std::int32_t;
    static constexpr int fraction_bits = 23;
    static constexpr Bits exponent_bias = 127;
    static constexpr float smallest_normal = 0x1p-126F;
    static constexpr float round_magic = 0x1.8p23F;
};
template <>
struct Format<double> {
    using Bits = std::int64_t;
    static constexpr int fraction_bits = 52;
    static constexpr Bits exponent_bias = 1023;
    static constexpr double smallest_normal = 0x1p-1022;
    static constexpr double round_magic = 0x1.8p52;
};

template <class T>
struct Pack {
    using Bits = typename Format<T>::Bits;
    typedef T Raw __attribute__((vector_size(ROSENBLATT_PACK_BYTES)));
    typedef Bits RawBits __attribute__((vector_size(ROSENBLATT_PACK_BYTES)));

    static constexpr std::size_t width = ROSENBLATT_PACK_BYTES / sizeof(T);

    Raw raw;

    ROSENBLATT_INLINE friend Pack operator+(Pack a, Pack b) noexcept { return {a.raw + b.raw}; }
    ROSENBLATT_INLINE friend Pack operator-(Pack a, Pack b) noexcept { return {a.raw - b.raw}; }
    ROSENBLATT_INLINE friend Pack operator*(Pack a, Pack b) noexcept { return {a.raw * b.raw}; }
    ROSENBLATT_INLINE friend Pack operator/(Pack a, Pack b) noexcept { return {a.raw / b.raw}; }
    ROSENBLATT_INLINE friend RawBits operator<(Pack a, Pack b) noexcept { return a.raw < b.raw; }
    ROSENBLATT_INLINE friend RawBits operator<=(Pack a, Pack b) noexcept { return a.raw <= b.raw; }
    ROSENBLATT_INLINE friend RawBits operator>(Pack a, Pack b) noexcept { return a.raw > b.raw; }
    ROSENBLATT_INLINE friend RawBits operator>=(Pack a, Pack b) noexcept { return a.raw >= b.raw; }
    ROSENBLATT_INLINE friend RawBits operator==(Pack a, Pack b) noexcept { return a.raw == b.raw; }
};

template <class T>
using Mask = typename Pack<T>::RawBits;

// A register of 64-bit words.
typedef std::uint64_t Words __attribute__((vector_size(ROSENBLATT_PACK_BYTES)));
constexpr std::size_t words_width = ROSENBLATT_PACK_BYTES / sizeof(std::uint64_t);

typedef std::uint32_t Halves __attribute__((vector_size(ROSENBLATT_PACK_BYTES)));

// The lower halves of the lanes of a, then of b.
ROSENBLATT_INLINE Halves lower_halves(Words a, Words b) noexcept {
    Halves both;
#if defined(__clang__)
    for (std::size_t i = 0; i < words_width; ++i) {
        both[i] = static_cast<std::uint32_t>(a[i]);
        both[words_width + i] = static_cast<std::uint32_t>(b[i]);
    }
#else
    for (std::size_t i = 0; i < 2 * words_width; ++i) both[i] = static_cast<std::uint32_t>(2 * i);
    both = __builtin_shuffle((Halves)a, (Halves)b, both);
#endif
    return both;
}

// The lanes whose word is `least` or more, of the `width` words from there on.
template <class T>
ROSENBLATT_INLINE Mask<T> at_least(std::uint32_t least, const std::uint32_t* words) noexcept {
    typedef std::uint32_t Some __attribute__((vector_size(Pack<T>::width * sizeof(std::uint32_t))));
    Some word;
    __builtin_memcpy(&word, words, sizeof word);
    return __builtin_convertvector(word >= least, Mask<T>);
}

// The 64 bits of a * b of the lower halves of the lanes; what stands in the upper halves does not matter.
ROSENBLATT_INLINE Words product_of_halves(Words a, Words b) noexcept {
#if defined(__AVX512F__)
    return (Words)_mm512_maskz_mul_epu32(static_cast<__mmask8>(-1), (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (Words)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (Words)_mm_mul_epu32((__m128i)a, (__m128i)b);
#elif defined(__aarch64__)
    return (Words)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b));
#else
    constexpr std::uint64_t half = 0xFFFFFFFF;
    return (a & half) * (b & half);
#endif
}

// Every lane x.
template <class T>
ROSENBLATT_INLINE Pack<T> broadcast(T x) noexcept {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return {(typename Pack<T>::Raw)_mm512_set1_ps(x)};
    else return {(typename Pack<T>::Raw)_mm512_set1_pd(x)};
#elif defined(__AVX2__) && defined(__FMA__)
    if constexpr (sizeof(T) == 4) return {(typename Pack<T>::Raw)_mm256_set1_ps(x)};
    else return {(typename Pack<T>::Raw)_mm256_set1_pd(x)};
#elif defined(__aarch64__)
    if constexpr (sizeof(T) == 4) return {(typename Pack<T>::Raw)vdupq_n_f32(x)};
    else return {(typename Pack<T>::Raw)vdupq_n_f64(x)};
#else
    return {x - typename Pack<T>::Raw{}};
#endif
}

template <class T>
ROSENBLATT_INLINE Pack<T> zero() noexcept {
    return {typename Pack<T>::Raw{}};
}

template <class T>
ROSENBLATT_INLINE Pack<T> load(const T* from) noexcept {
#if defined(__aarch64__)  // GCC copies 16 bytes by way of two integer registers, and an array of packs by way of memory
    if constexpr (sizeof(T) == 4) return {(typename Pack<T>::Raw)vld1q_f32(from)};
    else return {(typename Pack<T>::Raw)vld1q_f64(from)};
#else
    Pack<T> x;
    __builtin_memcpy(&x.raw, from, sizeof x.raw);
    return x;
#endif
}

template <class T>
ROSENBLATT_INLINE void store(T* to, Pack<T> x) noexcept {
#if defined(__aarch64__)
    if constexpr (sizeof(T) == 4) vst1q_f32(to, (float32x4_t)x.raw);
    else vst1q_f64(to, (float64x2_t)x.raw);
#else
    __builtin_memcpy(to, &x.raw, sizeof x.raw);
#endif
}

#if defined(__AVX2__) && !defined(__AVX512F__)
template <class T>
ROSENBLATT_INLINE __m256i first_lanes(std::size_t count) noexcept {
    const auto n = static_cast<typename Pack<T>::Bits>(count);
    if constexpr (sizeof(T) == 4)
        return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    else return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
#endif

// The first `count` lanes, 1 <= count <= width; the others are 0 and their memory is not touched.
template <class T>
ROSENBLATT_INLINE Pack<T> load(const T* from, std::size_t count) noexcept {
    using Raw = typename Pack<T>::Raw;
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return {(Raw)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1), from)};
    else return {(Raw)_mm512_maskz_loadu_pd(static_cast<__mmask8>((1U << count) - 1), from)};
#elif defined(__AVX2__) && defined(__FMA__)
    if constexpr (sizeof(T) == 4) return {(Raw)_mm256_maskload_ps(from, first_lanes<T>(count))};
    else return {(Raw)_mm256_maskload_pd(from, first_lanes<T>(count))};
#elif defined(__aarch64__)
    if (count == Pack<T>::width) return load(from);
    if constexpr (sizeof(T) == 4) {
        if (count == 1) return {(Raw)vsetq_lane_f32(*from, vdupq_n_f32(0), 0)};
        const float32x4_t two = vcombine_f32(vld1_f32(from), vdup_n_f32(0));
        return {(Raw)(count == 2 ? two : vsetq_lane_f32(from[2], two, 2))};
    } else {
        return {(Raw)vcombine_f64(vld1_f64(from), vdup_n_f64(0))};
    }
#else
    Raw x{};
    for (std::size_t i = 0; i < count; ++i) x[i] = from[i];
    return {x};
#endif
}

template <class T>
ROSENBLATT_INLINE void store(T* to, Pack<T> x, std::size_t count) noexcept {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1U << count) - 1), (__m512)x.raw);
    else _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1U << count) - 1), (__m512d)x.raw);
#elif defined(__AVX2__) && defined(__FMA__)
    if constexpr (sizeof(T) == 4) _mm256_maskstore_ps(to, first_lanes<T>(count), (__m256)x.raw);
    else _mm256_maskstore_pd(to, first_lanes<T>(count), (__m256d)x.raw);
#elif defined(__aarch64__)
    if (count == Pack<T>::width) return store(to, x);
    if constexpr (sizeof(T) == 4) {
        if (count >= 2) vst1_f32(to, vget_low_f32((float32x4_t)x.raw));
        if (count != 2) to[count - 1] = count == 1 ? x.raw[0] : x.raw[2];
    } else {
        to[0] = x.raw[0];
    }
#else
    for (std::size_t i = 0; i < count; ++i) to[i] = x.raw[i];
#endif
}

// The first `count` lanes, the others from `rest`.
template <class T>
ROSENBLATT_INLINE Pack<T> load(const T* from, std::size_t count, Pack<T> rest) noexcept {
    typename Pack<T>::RawBits lane;
    for (std::size_t i = 0; i < Pack<T>::width; ++i) lane[i] = static_cast<typename Pack<T>::Bits>(i);
    const auto wanted = lane < static_cast<typename Pack<T>::Bits>(count);
    return {wanted ? load(from, count).raw : rest.raw};
}

// a * b + c, rounded once.
template <class T>
ROSENBLATT_INLINE Pack<T> fma(Pack<T> a, Pack<T> b, Pack<T> c) noexcept {
    using Raw = typename Pack<T>::Raw;
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return {(Raw)_mm512_fmadd_ps((__m512)a.raw, (__m512)b.raw, (__m512)c.raw)};
    else return {(Raw)_mm512_fmadd_pd((__m512d)a.raw, (__m512d)b.raw, (__m512d)c.raw)};
#elif defined(__AVX2__) && defined(__FMA__)
    if constexpr (sizeof(T) == 4) return {(Raw)_mm256_fmadd_ps((__m256)a.raw, (__m256)b.raw, (__m256)c.raw)};
    else return {(Raw)_mm256_fmadd_pd((__m256d)a.raw, (__m256d)b.raw, (__m256d)c.raw)};
#elif defined(__aarch64__)
    if constexpr (sizeof(T) == 4) return {(Raw)vfmaq_f32((float32x4_t)c.raw, (float32x4_t)a.raw, (float32x4_t)b.raw)};
    else return {(Raw)vfmaq_f64((float64x2_t)c.raw, (float64x2_t)a.raw, (float64x2_t)b.raw)};
#else
    Raw x{};
    for (std::size_t i = 0; i < Pack<T>::width; ++i) {
        if constexpr (sizeof(T) == 4) x[i] = __builtin_fmaf(a.raw[i], b.raw[i], c.raw[i]);
        else x[i] = __builtin_fma(a.raw[i], b.raw[i], c.raw[i]);
    }
    return {x};
#endif
}

template <class T>
ROSENBLATT_INLINE T fma(T a, T b, T c) noexcept {
    if constexpr (sizeof(T) == 4) return __builtin_fmaf(a, b, c);
    else return __builtin_fma(a, b, c);
}

// The square root, rounded once as IEEE 754 requires.
template <class T>
ROSENBLATT_INLINE Pack<T> sqrt(Pack<T> x) noexcept {
    using Raw = typename Pack<T>::Raw;
#if defined(__AVX512F__)
    // All lanes by name: GCC 12 warns of what the plain intrinsic leaves undefined.
    if constexpr (sizeof(T) == 4) return {(Raw)_mm512_maskz_sqrt_ps(static_cast<__mmask16>(-1), (__m512)x.raw)};
    else return {(Raw)_mm512_maskz_sqrt_pd(static_cast<__mmask8>(-1), (__m512d)x.raw)};
#elif defined(__AVX2__) && defined(__FMA__)
    if constexpr (sizeof(T) == 4) return {(Raw)_mm256_sqrt_ps((__m256)x.raw)};
    else return {(Raw)_mm256_sqrt_pd((__m256d)x.raw)};
#elif defined(__aarch64__)
    if constexpr (sizeof(T) == 4) return {(Raw)vsqrtq_f32((float32x4_t)x.raw)};
    else return {(Raw)vsqrtq_f64((float64x2_t)x.raw)};
#else
    Raw root{};
    for (std::size_t i = 0; i < Pack<T>::width; ++i) {
        if constexpr (sizeof(T) == 4) root[i] = __builtin_sqrtf(x.raw[i]);
        else root[i] = __builtin_sqrt(x.raw[i]);
    }
    return {root};
#endif
}

template <class T>
ROSENBLATT_INLINE typename Pack<T>::RawBits bits(Pack<T> x) noexcept {
    return (typename Pack<T>::RawBits)x.raw;
}

template <class T>
ROSENBLATT_INLINE Pack<T> from_bits(typename Pack<T>::RawBits x) noexcept {
    return {(typename Pack<T>::Raw)x};
}

template <class T>
ROSENBLATT_INLINE Pack<T> select(Mask<T> condition, Pack<T> yes, Pack<T> no) noexcept {
    return {condition ? yes.raw : no.raw};
}

template <class T>
ROSENBLATT_INLINE typename Pack<T>::RawBits sign_bits() noexcept {
    using Bits = typename Pack<T>::Bits;
    return typename Pack<T>::RawBits{} + (Bits{1} << (sizeof(T) * 8 - 1));
}

template <class T>
ROSENBLATT_INLINE Pack<T> abs(Pack<T> x) noexcept {
    return from_bits<T>(bits(x) & ~sign_bits<T>());
}

// |x| with the sign bit of `sign`.
template <class T>
ROSENBLATT_INLINE Pack<T> with_sign(Pack<T> x, Pack<T> sign) noexcept {
    return from_bits<T>(bits(abs(x)) | (bits(sign) & sign_bits<T>()));
}

// 1, -1, or x itself if it is 0 or a NaN.
template <class T>
ROSENBLATT_INLINE Pack<T> sign(Pack<T> x) noexcept {
    return select<T>(x > zero<T>(), broadcast(T{1}), select<T>(x < zero<T>(), broadcast(T{-1}), x));
}

// The largest lane. It does not depend on the order, except with a NaN.
template <class T>
ROSENBLATT_INLINE T largest_lane(Pack<T> x) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    T lane[width];
    store(lane, x);
#pragma GCC unroll 4
    for (std::size_t half = width / 2; half > 0; half /= 2)
#pragma GCC unroll 8
        for (std::size_t i = 0; i < half; ++i) lane[i] = lane[i + half] > lane[i] ? lane[i + half] : lane[i];
    return lane[0];
}

// a0 b0 a1 b1 ... of the lower halves, or of the upper ones.
template <class T>
ROSENBLATT_INLINE Pack<T> interleave(Pack<T> a, Pack<T> b, bool upper) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    const std::size_t first = upper ? width / 2 : 0;
#if defined(__clang__)
    Pack<T> x;
    for (std::size_t i = 0; i < width; i += 2) {
        x.raw[i] = a.raw[first + i / 2];
        x.raw[i + 1] = b.raw[first + i / 2];
    }
    return x;
#else
    typename Pack<T>::RawBits lanes{};
    for (std::size_t i = 0; i < width; i += 2) {
        lanes[i] = static_cast<typename Pack<T>::Bits>(first + i / 2);
        lanes[i + 1] = static_cast<typename Pack<T>::Bits>(width + first + i / 2);
    }
    return {__builtin_shuffle(a.raw, b.raw, lanes)};
#endif
}

// A square of registers becomes its transpose: a round interleaves row i with row i + width / 2, and log2(width) rounds
// bring element (i, j) to (j, i), as perfect shuffles of a deck do.
template <class T>
ROSENBLATT_INLINE void transpose_square(Pack<T> (&rows)[Pack<T>::width]) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    constexpr std::size_t rounds = width == 16 ? 4 : width == 8 ? 3 : width == 4 ? 2 : 1;
    unrolled<rounds>([&](auto) ROSENBLATT_BODY {
        Pack<T> next[width];
        unrolled<width / 2>([&](auto i) ROSENBLATT_BODY {
            next[2 * i] = interleave(rows[i], rows[i + width / 2], false);
            next[2 * i + 1] = interleave(rows[i], rows[i + width / 2], true);
        });
        unrolled<width>([&](auto i) ROSENBLATT_BODY { rows[i] = next[i]; });
    });
}

}  // namespace
}  // namespace rosenblatt
