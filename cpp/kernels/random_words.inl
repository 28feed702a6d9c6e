// Random words: 64 at a time for a row of an epoch, drawn by counter with the Philox blocks side by side
// (docs/arithmetic.md, section 6).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/table.hpp"
#include "simd/pack.hpp"

namespace rosenblatt {
namespace {

constexpr std::size_t philox_blocks = 16;  // that are computed side by side
constexpr std::size_t words_at_once = 4 * philox_blocks;

// The words of blocks first ... first + 15 of a row, Philox4x32-10 as in base/rng.hpp with the blocks as lanes: word i
// of block k at words[i * 16 + k]. A word is the lower half of a 64-bit lane and so needs no conversion before or after
// its product; what is left in the upper half falls away at the next product or at the end. Two registers of each word
// hide the time that a product takes.
ROSENBLATT_INLINE void random_words(const RowStream& stream, std::uint32_t row, std::uint32_t first,
                                    std::uint32_t* words) noexcept {
    constexpr std::size_t registers = 2;
    constexpr std::size_t step = registers * words_width;
    static_assert(philox_blocks % step == 0);
    constexpr std::uint32_t weyl[2] = {0x9E3779B9, 0xBB67AE85};
    Words lane;
    for (std::size_t k = 0; k < words_width; ++k) lane[k] = k;
    for (std::size_t k = 0; k < philox_blocks; k += step) {
        Words c[4][registers];
        unrolled<registers>([&](auto r) ROSENBLATT_BODY {
            c[0][r] = lane + (std::uint64_t{first} + k + r * words_width);
            c[1][r] = Words{} + row;
            c[2][r] = Words{} + stream.epoch;
            c[3][r] = Words{} + stream.purpose;
        });
        std::uint32_t key[2] = {stream.key[0], stream.key[1]};
        unrolled<10>([&](auto) ROSENBLATT_BODY {
            unrolled<registers>([&](auto r) ROSENBLATT_BODY {
                const Words left = product_of_halves(Words{} + std::uint64_t{0xD2511F53}, c[0][r]);
                const Words right = product_of_halves(Words{} + std::uint64_t{0xCD9E8D57}, c[2][r]);
                c[0][r] = (right >> 32) ^ c[1][r] ^ std::uint64_t{key[0]};
                c[2][r] = (left >> 32) ^ c[3][r] ^ std::uint64_t{key[1]};
                c[1][r] = right;
                c[3][r] = left;
            });
            key[0] += weyl[0];
            key[1] += weyl[1];
        });
        unrolled<4>([&](auto i) ROSENBLATT_BODY {
            const Halves lower = lower_halves(c[i][0], c[i][1]);
            __builtin_memcpy(words + i * philox_blocks + k, &lower, sizeof lower);
        });
    }
}

// The bits of 32 indices as RandomStream has them: a block gives those of two, whose number is split between the
// counter's first two words.
void random_bits(const RowStream& stream, std::size_t i, std::uint64_t* bits) noexcept {
    const std::uint64_t block = std::uint64_t{i} * philox_blocks;
    std::uint32_t words[words_at_once];
    random_words(stream, static_cast<std::uint32_t>(block >> 32), static_cast<std::uint32_t>(block), words);
    for (std::size_t k = 0; k < philox_blocks; ++k)
        for (std::size_t half = 0; half < 2; ++half) {
            const std::uint32_t* const word = words + 2 * half * philox_blocks + k;
            bits[2 * k + half] = word[0] | std::uint64_t{word[philox_blocks]} << 32;
        }
}

}  // namespace
}  // namespace rosenblatt
