// Panels: copies of factors, laid out as a product reads them, from one end to the other. A step from row to row of a
// wide matrix is a page or a multiple of the cache's size, and what was read a moment ago would be gone.
#pragma once

#include "kernels/table.hpp"
#include "simd/pack.hpp"

namespace rosenblatt {
namespace {

// B = A^T, filled up with 0, by squares of registers. The rest of a row or column goes the same way, with lanes of 0.
template <class T>
void transpose(Matrix<const T> A, Matrix<T> B) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    for (std::size_t i = 0; i < B.cols; i += width) {
        const std::size_t to = B.cols - i < width ? B.cols - i : width;
        for (std::size_t j = 0; j < A.cols; j += width) {
            const std::size_t from = A.cols - j < width ? A.cols - j : width;
            Pack<T> square[width];
            if (i + width <= A.rows && from == width && to == width) {
                unrolled<width>([&](auto p) ROSENBLATT_BODY { square[p] = load(A.row(i + p) + j); });
                transpose_square<T>(square);
                unrolled<width>([&](auto q) ROSENBLATT_BODY { store(B.row(j + q) + i, square[q]); });
                continue;
            }
            for (std::size_t p = 0; p < width; ++p)
                square[p] = i + p < A.rows ? load(A.row(i + p) + j, from) : zero<T>();
            transpose_square<T>(square);
            for (std::size_t q = 0; q < from; ++q) store(B.row(j + q) + i, square[q], to);
        }
    }
}

// The panel of R that begins with column j: to (terms, panel_cols).
template <class T>
ROSENBLATT_INLINE void copy_panel(RightOperand<T> R, std::size_t j, T* to) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    constexpr std::size_t panel = panel_cols<T>;
    const std::size_t cols = R.cols() - j < panel ? R.cols() - j : panel;
    if (R.transposed) {
        for (std::size_t t = 0; t < R.terms(); t += panel) {
            const std::size_t terms = R.terms() - t < panel ? R.terms() - t : panel;
            const std::size_t filled = (cols + width - 1) / width * width;
            transpose<T>({R.M.at(j, t), cols, terms, R.M.row_stride}, {to + t * panel, terms, filled, panel});
        }
        return;
    }
    for (std::size_t t = 0; t < R.terms(); ++t)
        for (std::size_t k = 0; k < cols; k += width) {
            const T* const from = R.M.at(t, j) + k;
            store(to + t * panel + k, cols - k < width ? load(from, cols - k) : load(from));
        }
}

}  // namespace
}  // namespace rosenblatt
