// Sparse batch: the sparse rows of a batch, and the same elements by column.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/buffer.hpp"
#include "base/sparse.hpp"
#include "base/views.hpp"

namespace rosenblatt {

// Pointers to the sparse rows of a batch, for up to `capacity` rows.
template <class T>
class SparseRowPointers {
  public:
    SparseRowPointers() = default;
    explicit SparseRowPointers(std::size_t capacity) : value_(capacity), column_(capacity), count_(capacity) {}

    // Row i is row `row` of X.
    void set(std::size_t i, const CsrView<T>& X, std::size_t row) noexcept {
        const std::int64_t begin = X.start[row];
        set(i, X.value + begin, X.column + begin, static_cast<std::size_t>(X.start[row + 1] - begin));
    }
    void set(std::size_t i, const T* value, const std::int32_t* column, std::size_t count) noexcept {
        value_.data()[i] = value;
        column_.data()[i] = column;
        count_.data()[i] = count;
    }

    const T* value(std::size_t i) const noexcept { return value_.data()[i]; }

    // The rows of X, n <= capacity.
    Scattered<const T> to(const CsrView<T>& X) noexcept {
        for (std::size_t i = 0; i < X.rows; ++i) set(i, X, i);
        return rows(X.rows, X.cols);
    }

    // The first n rows, (n, cols), as a batch; valid until it is called again.
    Scattered<const T> rows(std::size_t n, std::size_t cols) noexcept {
        sparse_rows_ = {value_.data(), column_.data(), count_.data()};
        return {nullptr, n, cols, 0, 0, &sparse_rows_};
    }

  private:
    Buffer<const T*> value_;
    Buffer<const std::int32_t*> column_;
    Buffer<std::size_t> count_;
    SparseRows<const T> sparse_rows_;
};

// The number of stored elements of a batch.
template <class T>
std::size_t nnz(Scattered<const T> X) noexcept {
    std::size_t total = 0;
    for (std::size_t i = 0; i < X.rows; ++i) total += X.sparse->count[i];
    return total;
}

// The elements of a sparse batch by column, for the columns that have any.
template <class T>
class BatchColumns {
  public:
    // X.sparse is set. Valid until it is called again.
    SparseColumns<T> of(Scattered<const T> X);

  private:
    void reserve(Scattered<const T> X);

    Buffer<std::uint32_t> place_;  // (n_features,): 1 + the place of a column among those below; 0 between two calls
    Buffer<std::int32_t> column_;
    Buffer<std::size_t> start_;
    Buffer<std::uint32_t> row_;
    Buffer<T> value_;
};

}  // namespace rosenblatt
