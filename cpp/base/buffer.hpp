// Buffer: the one owner of numbers. Aligned to a cache line, zero-filled, never resized. Pages fresh from the system
// are zero already: a large buffer is made of them, so that gigabytes are there at once and cost time where they are
// first used, in work that can be stopped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

#include <sys/mman.h>

#include "base/views.hpp"

namespace rosenblatt {

// Memory of the system's own pages: zero-filled, aligned to large_page. Walking many
// 4 kB pages thrashes the TLB; 2 MB pages fit.
struct Pages {
    static constexpr std::size_t large_page = std::size_t{1} << 21;

    // Throws std::bad_alloc.
    static void* map(std::size_t bytes) {
        const std::size_t needed = in_pages(bytes);
        void* const mapped = mmap(nullptr, needed + large_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
        if (mapped == MAP_FAILED) throw std::bad_alloc();
        auto* const begin = static_cast<std::byte*>(mapped);
        const std::size_t before = (large_page - reinterpret_cast<std::uintptr_t>(begin) % large_page) % large_page;
        std::byte* const aligned = begin + before;
        if (before != 0) munmap(begin, before);
        munmap(aligned + needed, large_page - before);
#if defined(__linux__)
        madvise(aligned, needed, MADV_HUGEPAGE);  // advisory: huge pages may be disabled or exhausted
#endif
        return aligned;
    }

    static void unmap(void* memory, std::size_t bytes) noexcept { munmap(memory, in_pages(bytes)); }

  private:
    // Rounded up to a multiple of any system's page.
    static constexpr std::size_t in_pages(std::size_t bytes) noexcept {
        constexpr std::size_t page = std::size_t{1} << 16;
        return (bytes + page - 1) / page * page;
    }
};

template <class T>
class Buffer {
    static_assert(std::is_trivially_copyable_v<T>);

  public:
    static constexpr std::size_t alignment = 64;

    Buffer() = default;

    explicit Buffer(std::size_t size) : data_(allocate(size)), size_(size) {
        if (size != 0 && !is_large(size)) std::memset(static_cast<void*>(data_), 0, size * sizeof(T));
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

    ~Buffer() {
        if (is_large(size_)) Pages::unmap(data_, size_ * sizeof(T));
        else ::operator delete(data_, std::align_val_t{alignment});
    }

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
        const std::size_t bytes = size * sizeof(T);
        return static_cast<T*>(is_large(size) ? Pages::map(bytes) : ::operator new(bytes, std::align_val_t{alignment}));
    }

    static constexpr bool is_large(std::size_t size) noexcept { return size >= 2 * Pages::large_page / sizeof(T); }

    T* data_ = nullptr;
    std::size_t size_ = 0;
};

// Memory for `size` numbers, on the stack if there are few: for calls that take less time than an allocation.
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
