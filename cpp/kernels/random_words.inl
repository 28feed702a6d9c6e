// Random words: 64 at a time for a row of an epoch, drawn by counter with the Philox blocks side by side (docs/arithmetic.md,
// section 6).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/table.hpp"

namespace rosenblatt {
namespace {

constexpr std::size_t philox_blocks = 16;  // that are computed side by side
constexpr std::size_t words_at_once = 4 * philox_blocks;

// The words of blocks first ... first + 15 of a row, Philox4x32-10 as in base/rng.hpp with the blocks as lanes: word i of
// block k at words[i * 16 + k].
ROSENBLATT_INLINE void random_words(const RowStream& stream, std::uint32_t row, std::uint32_t first,
                                    std::uint32_t* words) noexcept {
    std::uint32_t c[4][philox_blocks];
    for (std::size_t k = 0; k < philox_blocks; ++k) {
        c[0][k] = first + static_cast<std::uint32_t>(k);
        c[1][k] = row;
        c[2][k] = stream.epoch;
        c[3][k] = stream.purpose;
    }
    std::uint32_t key[2] = {stream.key[0], stream.key[1]};
    for (int round = 0; round < 10; ++round) {
        for (std::size_t k = 0; k < philox_blocks; ++k) {
            const std::uint64_t left = std::uint64_t{0xD2511F53} * c[0][k];
            const std::uint64_t right = std::uint64_t{0xCD9E8D57} * c[2][k];
            c[0][k] = static_cast<std::uint32_t>(right >> 32) ^ c[1][k] ^ key[0];
            c[2][k] = static_cast<std::uint32_t>(left >> 32) ^ c[3][k] ^ key[1];
            c[1][k] = static_cast<std::uint32_t>(right);
            c[3][k] = static_cast<std::uint32_t>(left);
        }
        key[0] += 0x9E3779B9;
        key[1] += 0xBB67AE85;
    }
    for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t k = 0; k < philox_blocks; ++k) words[i * philox_blocks + k] = c[i][k];
}

}  // namespace
}  // namespace rosenblatt
