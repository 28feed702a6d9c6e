// Sparse matrices: views that store only the nonzero elements, row by row or column by column.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rosenblatt {

// rows x cols in CSR form: row i has the elements value[t] in column[t] for start[i] <= t < start[i + 1], in ascending
// columns.
template <class T>
struct CsrView {
    const T* value = nullptr;
    const std::int32_t* column = nullptr;
    const std::int64_t* start = nullptr;  // (rows + 1,)
    std::size_t rows = 0;
    std::size_t cols = 0;

    constexpr CsrView slice(std::size_t first, std::size_t count) const noexcept {
        return {value, column, start + first, count, cols};
    }
};

// The sparse rows of a batch, gathered from anywhere: row i has the elements value[i][t] in column[i][t], t < count[i].
template <class T>
struct SparseRows {
    T* const* value = nullptr;
    const std::int32_t* const* column = nullptr;
    const std::size_t* count = nullptr;

    // The rows from `first` on.
    constexpr SparseRows from(std::size_t first) const noexcept {
        return {value + first, column + first, count + first};
    }
};

// The same elements by column. n columns have any: column[c] has the elements value[t] in row[t] for
// start[c] <= t < start[c + 1], in ascending rows.
template <class T>
struct SparseColumns {
    const std::int32_t* column;
    const std::size_t* start;  // (n + 1,)
    const std::uint32_t* row;
    const T* value;
    std::size_t n;
};

}  // namespace rosenblatt
