// The kernel table in use: the best one for this machine, unless another was selected.
#include <atomic>

#include "kernels/table.hpp"

namespace rosenblatt {

#if defined(__aarch64__)
extern const KernelTable kernel_table_neon;
#else
extern const KernelTable kernel_table_baseline;
#endif
#if defined(__x86_64__)
extern const KernelTable kernel_table_avx2;
extern const KernelTable kernel_table_avx512;
#endif

namespace {

KernelTables find_tables() noexcept {
    KernelTables tables{};
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        tables.of[tables.count++] = &kernel_table_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) tables.of[tables.count++] = &kernel_table_avx2;
#endif
#if defined(__aarch64__)
    tables.of[tables.count++] = &kernel_table_neon;
#else
    tables.of[tables.count++] = &kernel_table_baseline;
#endif
    return tables;
}

std::atomic<const KernelTable*> in_use{nullptr};

}  // namespace

const KernelTables& available_tables() noexcept {
    static const KernelTables tables = find_tables();
    return tables;
}

const KernelTable& kernel_table() noexcept {
    const KernelTable* const table = in_use.load(std::memory_order_acquire);
    return table != nullptr ? *table : *available_tables().of[0];
}

void use(const KernelTable& table) noexcept { in_use.store(&table, std::memory_order_release); }

}  // namespace rosenblatt
