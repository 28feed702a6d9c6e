// One kernel table: this file is compiled once per instruction set, with ROSENBLATT_ISA naming the set. Everything
// but the table itself stays inside the object.
#include "kernels/activation.inl"
#include "kernels/dropout.inl"
#include "kernels/gemm.inl"
#include "kernels/loss.inl"
#include "kernels/noise.inl"
#include "kernels/normalise.inl"
#include "kernels/random_words.inl"
#include "kernels/small_network.inl"
#include "kernels/sparse.inl"
#include "kernels/table.hpp"
#include "kernels/update.inl"
#include "simd/math.hpp"

namespace rosenblatt {
namespace {

// x - x is 0, except for a NaN or an infinity: a NaN, which stays in a sum.
template <class T>
std::size_t first_non_finite(const T* x, std::size_t n) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    constexpr std::size_t packs = 4;
    Pack<T> sum[packs] = {};
    const auto add = [&](std::size_t p, Pack<T> y) ROSENBLATT_BODY { sum[p] = sum[p] + (y - y); };
    std::size_t i = 0;
    for (; i + packs * width <= n; i += packs * width)
        unrolled<packs>([&](auto p) ROSENBLATT_BODY { add(p, load(x + i + p * width)); });
    for (; i + width <= n; i += width) add(0, load(x + i));
    if (i < n) add(0, load(x + i, n - i));
    T lanes[width];
    store(lanes, (sum[0] + sum[1]) + (sum[2] + sum[3]));
    bool all = true;
    for (std::size_t lane = 0; lane < width; ++lane) all = all && lanes[lane] == T{0};
    if (all) return n;
    for (i = 0; x[i] - x[i] == T{0}; ++i) {
    }
    return i;
}

template <class T, Pack<T> (*f)(Pack<T>) noexcept>
void over(const T* x, std::size_t n, T* y) noexcept {
    map(x, n, y, [](Pack<T> z) { return f(z); });
}

template <class T>
constexpr Kernels<T> make_kernels() noexcept {
    return {.multiply = multiply<T>,
            .multiply_interleaved = multiply_interleaved<T>,
            .multiply_activate = multiply_activate<T>,
            .multiply_activation_backward = multiply_activation_backward<T>,
            .multiply_update = multiply_update<T>,
            .small_step = small_step<T>,
            .width = Pack<T>::width,
            .fma_in_hardware = rosenblatt::fma_in_hardware,
            .least_terms_copied = rosenblatt::least_terms_copied,
            .transpose = transpose<T>,
            .multiply_sparse = multiply_sparse<T>,
            .multiply_sparse_interleaved = multiply_sparse_interleaved<T>,
            .gradient_of_sparse = gradient_of_sparse<T>,
            .descend_sparse = descend_sparse<T>,
            .sum_rows = sum_rows<T>,
            .activate = activate<T>,
            .activation_backward = activation_backward<T>,
            .add_slope_along = add_slope_along<T>,
            .loss = loss<T>,
            .loss_slopes_along = loss_slopes_along<T>,
            .update = update<T>,
            .axpy = axpy<T>,
            .penalise = penalise<T>,
            .clip = clip<T>,
            .average = average<T>,
            .sum_products = sum_products<T>,
            .limit_norms = limit_norms<T>,
            .random_bits = random_bits,
            .drop = drop<T>,
            .add_noise = add_noise<T>,
            .multiply_numbers = multiply_numbers<T>,
            .column_moments = column_moments<T>,
            .reciprocal_roots = reciprocal_roots<T>,
            .normalise_columns = normalise_columns<T>,
            .normalise_rows = normalise_rows<T>,
            .scale_and_shift = scale_and_shift<T>,
            .sum_row_products = sum_row_products<T>,
            .normalise_columns_backward = normalise_columns_backward<T>,
            .normalise_rows_backward = normalise_rows_backward<T>,
            .first_non_finite = first_non_finite<T>,
            .exp = over<T, exp<T>>,
            .log = over<T, log<T>>,
            .log1p = over<T, log1p<T>>,
            .tanh = over<T, tanh<T>>,
            .logistic = over<T, logistic<T>>,
            .expm1 = over<T, expm1<T>>,
            .softplus = over<T, softplus<T>>,
            .sin = over<T, sin<T>>,
            .cos = over<T, cos<T>>,
            .normal_cdf = over<T, normal_cdf<T>>};
}

}  // namespace

#define ROSENBLATT_JOIN(a, b) a##b
#define ROSENBLATT_TABLE(isa) ROSENBLATT_JOIN(kernel_table_, isa)
#define ROSENBLATT_QUOTE(text) #text
#define ROSENBLATT_NAME(isa) ROSENBLATT_QUOTE(isa)

extern const KernelTable ROSENBLATT_TABLE(ROSENBLATT_ISA);
constinit const KernelTable ROSENBLATT_TABLE(ROSENBLATT_ISA){ROSENBLATT_NAME(ROSENBLATT_ISA), make_kernels<float>(),
                                                             make_kernels<double>()};

}  // namespace rosenblatt
