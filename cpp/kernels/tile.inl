// The register tile: a block of C that stays in registers while its sums run. All products are made of these.
#pragma once

#include "kernels/table.hpp"
#include "simd/pack.hpp"
#include "simd/unrolled.hpp"

namespace rosenblatt {
namespace {

// Accumulators per tile: as many as the registers hold next to one row of R and a number of L (AVX-512 and NEON have 32
// registers, AVX2 and the baseline 16), and enough of them, rows * packs >= 8, that the processor never waits for one:
// a fused multiply-add takes 4 cycles and two may start in each. Few rows therefore make wide tiles if L is read by
// rows; by columns it is the gradient of weights, whose rows are many.
#if ROSENBLATT_PACK_BYTES == 64 || defined(__aarch64__)
constexpr std::size_t max_rows = 14;
constexpr std::size_t least_terms_copied = 512;
template <bool by_columns>
constexpr std::size_t packs_per_row(std::size_t rows) noexcept {
    return by_columns || rows > 6 ? 2 : rows <= 2 ? 8 : 4;
}
#else
constexpr std::size_t max_rows = 6;
// By columns six rows are 24 bytes of a cache line, in a page of its own for each term.
constexpr std::size_t least_terms_copied = 128;
template <bool by_columns>
constexpr std::size_t packs_per_row(std::size_t rows) noexcept {
    return by_columns || rows > 2 ? 2 : rows == 1 ? 8 : 4;
}
#endif
constexpr std::size_t max_packs = 8;

// The epilogue fused into a tile: store the sums, a = relu(sum), delta = relu'(a) sum, or w = w - epsilon sum. Other
// functions run over the stored tile while it is in L1.
enum class Epilogue : unsigned char { store, relu, relu_backward, descend };

// One tile: C (rows, cols) = end(init + L R). Steps are in numbers.
template <class T>
struct TileWork {
    const T* const* L;    // by rows: where each row's terms begin; by columns: where each term's rows begin
    std::size_t L_first;  // added to each
    const T* R;
    std::size_t R_stride;  // from term to term
    std::size_t R_panel;   // from panel to panel
    std::size_t n_terms;
    bool continues;  // the sums begin at what stands in C, else
    const T* init;   // at init (cols,) in every row, at 0 if it is null
    T* C;
    std::size_t C_stride;
    std::size_t C_panel;
    Epilogue epilogue;
    const T* A;  // of relu_backward, (rows, cols) row-major
    std::size_t A_stride;
    T descent;         // of descend, -epsilon
    std::size_t last;  // columns of the last register, if it is not whole
    const unsigned char*
        fetch;  // while the sums run, a cache line a term comes nearer from here on: what a later step reads
    std::size_t fetch_stride;  // in bytes: a line, or less
};

// n_rows x n_packs registers. Formula, shapes and steps: TileWork. C may be read (continues, descend) and is
// overwritten; it overlaps neither L nor R. The caller checks nothing here: shapes are the driver's.
template <class T, std::size_t n_rows, std::size_t n_packs, bool by_columns, bool whole>
void tile(const TileWork<T>& work) noexcept {
    static_assert(whole || n_packs == 1);
    constexpr std::size_t width = Pack<T>::width;
    constexpr std::size_t packs_of_a_panel = panel_cols<T> / width;
    const auto get = [&](const T* from) ROSENBLATT_BODY { return whole ? load(from) : load(from, work.last); };
    const auto put = [&](T* to, Pack<T> x) ROSENBLATT_BODY {
        if constexpr (whole) store(to, x);
        else store(to, x, work.last);
    };
    const auto in_C = [&](auto r, auto p) ROSENBLATT_BODY {
        return work.C + r * work.C_stride + p / packs_of_a_panel * work.C_panel + p % packs_of_a_panel * width;
    };
    Pack<T> sum[n_rows][n_packs];
    const auto each = [&](auto f) ROSENBLATT_BODY {
        unrolled<n_rows>([&](auto r) ROSENBLATT_BODY { unrolled<n_packs>([&](auto p) ROSENBLATT_BODY { f(r, p); }); });
    };
    if (work.continues) {
        each([&](auto r, auto p) ROSENBLATT_BODY { sum[r][p] = get(in_C(r, p)); });
    } else if (work.init != nullptr) {
        unrolled<n_packs>([&](auto p) ROSENBLATT_BODY {
            const Pack<T> first = get(work.init + p * width);
            unrolled<n_rows>([&](auto r) ROSENBLATT_BODY { sum[r][p] = first; });
        });
    } else {
        each([&](auto r, auto p) ROSENBLATT_BODY { sum[r][p] = zero<T>(); });
    }
    const T* row[n_rows];
    if constexpr (!by_columns) unrolled<n_rows>([&](auto r) ROSENBLATT_BODY { row[r] = work.L[r] + work.L_first; });
    const T* R = work.R;
    const unsigned char* fetch = work.fetch;
    for (std::size_t t = 0; t < work.n_terms; ++t) {
        Pack<T> right[n_packs];
        unrolled<n_packs>([&](auto p) ROSENBLATT_BODY {
            right[p] = get(R + p / packs_of_a_panel * work.R_panel + p % packs_of_a_panel * width);
        });
        __builtin_prefetch(fetch, 0, 2);
        const T* const column = by_columns ? work.L[t] + work.L_first : nullptr;
        unrolled<n_rows>([&](auto r) ROSENBLATT_BODY {
            const Pack<T> left = broadcast(by_columns ? column[r] : row[r][t]);
            unrolled<n_packs>([&](auto p) ROSENBLATT_BODY { sum[r][p] = fma(left, right[p], sum[r][p]); });
        });
        R += work.R_stride;
        fetch += work.fetch_stride;
    }
    switch (work.epilogue) {
        case Epilogue::store:
            each([&](auto r, auto p) ROSENBLATT_BODY { put(in_C(r, p), sum[r][p]); });
            break;
        case Epilogue::relu:
            each([&](auto r, auto p) ROSENBLATT_BODY { put(in_C(r, p), relu(sum[r][p])); });
            break;
        case Epilogue::relu_backward:
            each([&](auto r, auto p) ROSENBLATT_BODY {
                const Pack<T> a = get(work.A + r * work.A_stride + p * width);
                put(in_C(r, p), select<T>(a > zero<T>(), sum[r][p], zero<T>()));
            });
            break;
        case Epilogue::descend: {
            const Pack<T> descent = broadcast(work.descent);
            each([&](auto r, auto p) ROSENBLATT_BODY {
                T* const w = in_C(r, p);
                put(w, fma(descent, sum[r][p], get(w)));
            });
            break;
        }
    }
}

template <class T>
using Tile = void (*)(const TileWork<T>&) noexcept;

// Every tile shape, by rows - 1 and packs - 1; and, by rows - 1, those of one register that is not whole.
template <class T, bool by_columns>
struct Tiles {
    Tile<T> whole[max_rows][max_packs] = {};
    Tile<T> partial[max_rows] = {};

    constexpr Tiles() noexcept { fill<1, 1>(); }

    template <std::size_t rows, std::size_t packs>
    constexpr void fill() noexcept {
        whole[rows - 1][packs - 1] = tile<T, rows, packs, by_columns, true>;
        if constexpr (packs == 1) partial[rows - 1] = tile<T, rows, 1, by_columns, false>;
        if constexpr (packs < packs_per_row<by_columns>(rows)) fill<rows, packs + 1>();
        else if constexpr (rows < max_rows) fill<rows + 1, 1>();
    }
};

template <class T, bool by_columns>
constexpr Tiles<T, by_columns> tiles{};

}  // namespace
}  // namespace rosenblatt
