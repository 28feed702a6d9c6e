// CRC-32C by tables, eight bytes at a time: no instruction that only some processors have.
#include "base/crc32c.hpp"

#include <array>

namespace rosenblatt {

namespace {

constexpr std::uint32_t POLYNOMIAL = 0x82f63b78;  // 0x1edc6f41 with its bits reversed
constexpr std::size_t SLICES = 8;                 // bytes of one round, each with a table of its own

using Tables = std::array<std::array<std::uint32_t, 256>, SLICES>;

// tables[k][byte]: what a byte adds to the remainder if k further bytes follow it. Source: M. E. Kounavis and F. L.
// Berry, "A systematic approach to building high performance software-based CRC generators", 2005 (slicing-by-8).
constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t remainder = byte;
        for (int bit = 0; bit < 8; ++bit) remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? POLYNOMIAL : 0);
        tables[0][byte] = remainder;
    }
    for (std::size_t k = 1; k < SLICES; ++k)
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t before = tables[k - 1][byte];
            tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
        }
    return tables;
}

constexpr Tables TABLES = make_tables();

// Four bytes as a number, the first one lowest, on every machine.
std::uint32_t word(const unsigned char* data) noexcept {
    return static_cast<std::uint32_t>(data[0]) | static_cast<std::uint32_t>(data[1]) << 8 |
           static_cast<std::uint32_t>(data[2]) << 16 | static_cast<std::uint32_t>(data[3]) << 24;
}

}  // namespace

std::uint32_t crc32c(std::uint32_t crc, const unsigned char* data, std::size_t n) noexcept {
    std::uint32_t remainder = ~crc;
    for (; n >= SLICES; n -= SLICES, data += SLICES) {
        const std::uint32_t low = word(data) ^ remainder;
        const std::uint32_t high = word(data + 4);
        remainder = TABLES[7][low & 0xff] ^ TABLES[6][low >> 8 & 0xff] ^ TABLES[5][low >> 16 & 0xff] ^
                    TABLES[4][low >> 24] ^ TABLES[3][high & 0xff] ^ TABLES[2][high >> 8 & 0xff] ^
                    TABLES[1][high >> 16 & 0xff] ^ TABLES[0][high >> 24];
    }
    for (; n > 0; --n, ++data) remainder = (remainder >> 8) ^ TABLES[0][(remainder ^ *data) & 0xff];
    return ~remainder;
}

}  // namespace rosenblatt
