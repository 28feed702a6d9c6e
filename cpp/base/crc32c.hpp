// The checksum of files: CRC-32C (Castagnoli), as RFC 3720 specifies it, a piece of the bytes at a time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rosenblatt {

// The checksum of bytes that end with data (n,), if crc is that of the bytes before them; 0 for none. CRC-32C has the
// polynomial 0x1edc6f41, reflected, and inverts all bits before and after (RFC 3720, appendix B.4). It notices every
// single flipped bit. Nothing is allocated; data may lie at any address.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t crc, const unsigned char* data, std::size_t n) noexcept;

}  // namespace rosenblatt
