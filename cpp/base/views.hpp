// Views: the address and the shape of numbers; views own nothing.
#pragma once

#include <cstddef>

#include "base/sparse.hpp"

// Views are shared by objects compiled for different instruction sets. A member that is always inlined leaves no
// symbol behind that another object could pick up.
#define ROSENBLATT_INLINE [[gnu::always_inline]] inline

namespace rosenblatt {

template <class T>
struct Vector {
    T* data = nullptr;
    std::size_t size = 0;

    ROSENBLATT_INLINE constexpr T& operator[](std::size_t i) const noexcept { return data[i]; }
};

// rows x cols, row-major: element (i, j) lies at data[i * stride + j].
template <class T>
struct Matrix {
    T* data = nullptr;
    std::size_t rows = 0;
    std::size_t cols = 0;
    std::size_t stride = 0;

    ROSENBLATT_INLINE constexpr T* row(std::size_t i) const noexcept { return data + i * stride; }

    ROSENBLATT_INLINE constexpr Matrix slice(std::size_t first, std::size_t count) const noexcept {
        return {row(first), count, cols, stride};
    }

    // The first `count` columns.
    ROSENBLATT_INLINE constexpr Matrix columns(std::size_t count) const noexcept { return {data, rows, count, stride}; }

    ROSENBLATT_INLINE constexpr operator Matrix<const T>() const noexcept { return {data, rows, cols, stride}; }
};

// The columns of a panel: 128 bytes of a row, two cache lines.
template <class T>
constexpr std::size_t panel_cols = 128 / sizeof(T);

// rows x cols in panels: a panel is panel_cols columns, row after row. Element (i, j) lies at data[j / panel_cols *
// panel_stride + i * row_stride + j % panel_cols]. Where panel_stride is rows * panel_cols and row_stride is
// panel_cols, each panel is read from one end to the other. A row-major matrix is in panels, too, side by side.
template <class T>
struct Panels {
    T* data = nullptr;
    std::size_t rows = 0;
    std::size_t cols = 0;
    std::size_t row_stride = 0;
    std::size_t panel_stride = 0;

    ROSENBLATT_INLINE constexpr T* at(std::size_t i, std::size_t j) const noexcept {
        return data + j / panel_cols<T> * panel_stride + i * row_stride + j % panel_cols<T>;
    }

    // n_rows x n_cols from (i, j) on; j is a multiple of panel_cols.
    ROSENBLATT_INLINE constexpr Panels part(std::size_t i, std::size_t j, std::size_t n_rows,
                                            std::size_t n_cols) const noexcept {
        return {at(i, j), n_rows, n_cols, row_stride, panel_stride};
    }

    ROSENBLATT_INLINE constexpr operator Panels<const T>() const noexcept {
        return {data, rows, cols, row_stride, panel_stride};
    }
};

template <class T>
constexpr Panels<T> in_panels(Matrix<T> m) noexcept {
    return {m.data, m.rows, m.cols, m.stride, panel_cols<T>};
}

// The numbers from row to row of a matrix in the making: rows whose distance is a large power of two would fall on each
// other's place in a cache, so a cache line more lies between them.
template <class T>
constexpr std::size_t row_stride(std::size_t columns) noexcept {
    constexpr std::size_t conflict = 1024 / sizeof(T);
    constexpr std::size_t cache_line = 64 / sizeof(T);
    return columns % conflict == 0 ? columns + cache_line : columns;
}

// rows x cols, the rows of a batch wherever they lie: element (i, j) is row[i][first + j].
template <class T>
struct Scattered {
    T* const* row = nullptr;  // (rows,)
    std::size_t rows = 0;
    std::size_t cols = 0;
    std::size_t first = 0;
    std::size_t stride = 0;  // from row to row if the rows are evenly spaced, else 0
    // Set for sparse input: `row` is then unused, and missing elements are 0.
    const SparseRows<T>* sparse = nullptr;

    // n_rows x n_cols from (i, j) on.
    constexpr Scattered part(std::size_t i, std::size_t j, std::size_t n_rows, std::size_t n_cols) const noexcept {
        return {row + i, n_rows, n_cols, first + j, stride};
    }
};

}  // namespace rosenblatt
