// Random numbers: Philox4x32-10, counter-based. A number depends on (seed, purpose, epoch, index) and on nothing
// else, so neither threads nor a resumed run can change it.
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace rosenblatt {

// A purpose is the low byte of a counter's last word; a layer may stand above it.
enum class Purpose : std::uint32_t {
    initial_weights = 1,
    shuffle = 2,
    dropout = 3,
    input_noise = 4,
    initial_biases = 5
};

struct Philox {
    using Block = std::array<std::uint32_t, 4>;

    static constexpr Block block(Block counter, std::array<std::uint32_t, 2> key) noexcept {
        for (int round = 0; round < 10; ++round) {
            const std::uint64_t left = std::uint64_t{0xD2511F53} * counter[0];
            const std::uint64_t right = std::uint64_t{0xCD9E8D57} * counter[2];
            counter = {high(right) ^ counter[1] ^ key[0], low(right), high(left) ^ counter[3] ^ key[1], low(left)};
            key[0] += 0x9E3779B9;
            key[1] += 0xBB67AE85;
        }
        return counter;
    }

    static constexpr std::uint32_t low(std::uint64_t x) noexcept { return static_cast<std::uint32_t>(x); }
    static constexpr std::uint32_t high(std::uint64_t x) noexcept { return static_cast<std::uint32_t>(x >> 32); }
};

// One stream of random numbers, addressed by index.
struct RandomStream {
    std::uint64_t seed;
    Purpose purpose;
    std::uint32_t epoch;

    // The 64 random bits of an index: half of a Philox block. kernels/random_words.inl draws those of many.
    constexpr std::uint64_t bits(std::uint64_t index) const noexcept {
        const std::uint64_t i = index >> 1;
        const Philox::Block x =
            Philox::block({Philox::low(i), Philox::high(i), epoch, static_cast<std::uint32_t>(purpose)},
                          {Philox::low(seed), Philox::high(seed)});
        const std::size_t half = 2 * (index & 1);
        return x[half] | std::uint64_t{x[half + 1]} << 32;
    }

    // Uniform in [0, 1), a multiple of 2^-53.
    constexpr double uniform(std::uint64_t index) const noexcept {
        return static_cast<double>(bits(index) >> 11) * 0x1p-53;
    }

    // Uniform in 0 ... bound - 1 from 64 random bits, by the high half of a product (Lemire 2019, without the
    // rejection: the bias is below bound / 2^64).
    static constexpr std::uint64_t below(std::uint64_t bound, std::uint64_t random_bits) noexcept {
        __extension__ using Wide = unsigned __int128;
        return static_cast<std::uint64_t>((Wide{random_bits} * bound) >> 64);
    }
};

}  // namespace rosenblatt
