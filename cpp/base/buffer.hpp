// Buffer: the one owner of numbers. Aligned to a cache line, zero-filled, never resized.
#pragma once

#include <cstddef>
#include <cstring>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "base/views.hpp"

namespace rosenblatt {

// A wish: the system may not have such pages, or none left.
inline void ask_for_large_pages([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__linux__)
    madvise(memory, bytes, MADV_HUGEPAGE);
#endif
}

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

    ~Buffer() { ::operator delete(data_, alignment_of(size_)); }

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
        void* const memory = ::operator new(size * sizeof(T), alignment_of(size));
        if (is_large(size)) ask_for_large_pages(memory, size * sizeof(T));
        return static_cast<T*>(memory);
    }

    // Where many pages are gone through at a time, their addresses do not fit into the processor's table of them: pages of
    // 2 MB do.
    static constexpr std::size_t large_page = std::size_t{1} << 21;
    static constexpr bool is_large(std::size_t size) noexcept { return size >= 2 * large_page / sizeof(T); }
    static constexpr std::align_val_t alignment_of(std::size_t size) noexcept {
        return std::align_val_t{is_large(size) ? large_page : alignment};
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
