// Buffer: the one owner of numbers. Aligned to a cache line, zero-filled, never resized.
#pragma once

#include <cstddef>
#include <cstring>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

#include "base/views.hpp"

namespace rosenblatt {

template <class T>
class Buffer {
    static_assert(std::is_trivially_copyable_v<T>);

  public:
    static constexpr std::size_t alignment = 64;

    Buffer() = default;

    explicit Buffer(std::size_t size) : data_(allocate(size)), size_(size) {
        if (size != 0) std::memset(static_cast<void*>(data_), 0, size * sizeof(T));
    }

    Buffer(const Buffer& other) : data_(allocate(other.size_)), size_(other.size_) {
        if (size_ != 0) std::memcpy(data_, other.data_, size_ * sizeof(T));
    }

    Buffer(Buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

    Buffer& operator=(Buffer other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }

    ~Buffer() { ::operator delete(data_, std::align_val_t{alignment}); }

    T* data() noexcept { return data_; }
    const T* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    Vector<T> view() noexcept { return {data_, size_}; }
    Vector<const T> view() const noexcept { return {data_, size_}; }

    // The first rows * cols elements as a row-major matrix.
    Matrix<T> matrix(std::size_t rows, std::size_t cols) noexcept { return {data_, rows, cols, cols}; }

  private:
    static T* allocate(std::size_t size) {
        if (size == 0) return nullptr;
        if (size > std::numeric_limits<std::size_t>::max() / 2 / sizeof(T)) throw std::bad_alloc();
        return static_cast<T*>(::operator new(size * sizeof(T), std::align_val_t{alignment}));
    }

    T* data_ = nullptr;
    std::size_t size_ = 0;
};

// Room for `size` numbers, on the stack where they are few: for calls that are over in less time than an allocation.
template <class T>
class Scratch {
  public:
    explicit Scratch(std::size_t size) : heap_(size <= few ? 0 : size) {}
    T* data() noexcept { return heap_.size() == 0 ? stack_ : heap_.data(); }

  private:
    static constexpr std::size_t few = 8192 / sizeof(T);

    Buffer<T> heap_;
    alignas(Buffer<T>::alignment) T stack_[few];
};

}  // namespace rosenblatt
