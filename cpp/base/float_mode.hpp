// Floating-point mode: the specified arithmetic rounds to nearest and keeps subnormal numbers, whatever another
// library left in the processor's control register. A thread computes inside a FloatMode and gets its own mode back.
#pragma once

#include <cstdint>

namespace rosenblatt {

class FloatMode {
  public:
    FloatMode() noexcept : saved_(read()) {
        if (saved_ != specified) write(specified);
    }
    ~FloatMode() {
        if (saved_ != specified) write(saved_);
    }
    FloatMode(const FloatMode&) = delete;
    FloatMode& operator=(const FloatMode&) = delete;

  private:
#if defined(__x86_64__)
    using Register = unsigned int;
    static constexpr Register specified = 0x1F80;  // all exceptions masked, round to nearest, no FTZ, no DAZ
    static constexpr Register flags = 0x3F;        // sticky exception flags: the caller's business, never compared
    static Register read() noexcept { return __builtin_ia32_stmxcsr() & ~flags; }
    static void write(Register mode) noexcept { __builtin_ia32_ldmxcsr(mode); }
#elif defined(__aarch64__)
    using Register = std::uint64_t;
    static constexpr Register specified = 0;  // no traps, round to nearest, no flushing
    static Register read() noexcept {
        Register mode;
        __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
        return mode;
    }
    static void write(Register mode) noexcept { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
#else
    using Register = int;
    static constexpr Register specified = 0;
    static Register read() noexcept { return 0; }
    static void write(Register) noexcept {}
#endif

    Register saved_;
};

}  // namespace rosenblatt
