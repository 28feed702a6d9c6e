// Rows: a matrix for the rows of a batch, and a pointer to each row.
#pragma once

#include <cstddef>

#include "base/buffer.hpp"
#include "base/views.hpp"

namespace rosenblatt {

// Where each row of a matrix begins, for up to `capacity` rows.
template <class T>
class RowPointers {
  public:
    RowPointers() = default;
    explicit RowPointers(std::size_t capacity) : pointers_(capacity) {}

    T** data() noexcept { return pointers_.data(); }

    Scattered<T> to(Matrix<T> m) noexcept {
        for (std::size_t i = 0; i < m.rows; ++i) pointers_.data()[i] = m.row(i);
        return {pointers_.data(), m.rows, m.cols, 0, m.stride};
    }

  private:
    Buffer<T*> pointers_;
};

// A matrix for the rows of a batch, up to `capacity` of them.
template <class T>
class Rows {
  public:
    Rows() = default;
    Rows(std::size_t capacity, std::size_t columns)
        : columns_(columns), stride_(row_stride<T>(columns)), numbers_(capacity * stride_), pointers_(capacity) {
        pointers_.to(Matrix<const T>(first(capacity)));
    }

    // The first n rows, and some of their columns.
    Matrix<T> first(std::size_t n) noexcept { return {numbers_.data(), n, columns_, stride_}; }
    Scattered<const T> scattered(std::size_t n, std::size_t columns) noexcept {
        return {pointers_.data(), n, columns, 0, stride_};
    }

  private:
    std::size_t columns_ = 0;
    std::size_t stride_ = 0;
    Buffer<T> numbers_;
    RowPointers<const T> pointers_;
};

}  // namespace rosenblatt
