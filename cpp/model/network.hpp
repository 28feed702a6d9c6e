// Network: a shape and its parameters, one contiguous theta with W and b as views into it.
#pragma once

#include <cstdint>

#include "base/buffer.hpp"
#include "model/shape.hpp"

namespace rosenblatt {

template <class T>
class Network {
  public:
    // Weights are drawn from `seed` (Glorot or He by activation), biases are 0. Throws std::bad_alloc.
    Network(Shape shape, std::uint64_t seed);

    const Shape& shape() const noexcept { return shape_; }
    Vector<T> theta() noexcept { return theta_.view(); }
    Vector<const T> theta() const noexcept { return theta_.view(); }
    Matrix<T> W(std::size_t layer) noexcept { return shape_.W(theta_.data(), layer); }
    Matrix<const T> W(std::size_t layer) const noexcept { return shape_.W(theta_.data(), layer); }
    Vector<T> b(std::size_t layer) noexcept { return shape_.b(theta_.data(), layer); }
    Vector<const T> b(std::size_t layer) const noexcept { return shape_.b(theta_.data(), layer); }

  private:
    Shape shape_;
    Buffer<T> theta_;
};

}  // namespace rosenblatt
