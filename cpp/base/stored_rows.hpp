// Stored rows: matrices of which only some elements are stored, row after row; the others are 0.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rosenblatt {

// rows x cols: the elements of row i are value[t] in column[t] for t from start[i] to start[i + 1] - 1, and the columns of a
// row rise.
template <class T>
struct SparseRows {
    const T* value = nullptr;
    const std::int32_t* column = nullptr;
    const std::int64_t* start = nullptr;  // (rows + 1,)
    std::size_t rows = 0;
    std::size_t cols = 0;

    constexpr SparseRows slice(std::size_t first, std::size_t count) const noexcept {
        return {value, column, start + first, count, cols};
    }
};

// The rows of a batch, wherever they lie: row i has the elements value[i][t] in column[i][t], t < count[i].
template <class T>
struct StoredRows {
    T* const* value = nullptr;
    const std::int32_t* const* column = nullptr;
    const std::size_t* count = nullptr;

    // The rows from `first` on.
    constexpr StoredRows from(std::size_t first) const noexcept {
        return {value + first, column + first, count + first};
    }
};

// The same elements by columns, n of them: those of column[c] are value[t] in row[t] for t from start[c] to start[c + 1] - 1,
// and the rows of a column rise.
template <class T>
struct StoredColumns {
    const std::int32_t* column;
    const std::size_t* start;  // (n + 1,)
    const std::uint32_t* row;
    const T* value;
    std::size_t n;
};

}  // namespace rosenblatt
