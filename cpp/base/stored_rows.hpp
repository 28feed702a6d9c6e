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
};

}  // namespace rosenblatt
