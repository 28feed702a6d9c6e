// Batches: shuffling and gathering.
#include "model/batches.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "base/rng.hpp"
#include "kernels/table.hpp"

namespace rosenblatt {

void shuffle(std::uint64_t seed, std::uint32_t epoch, Vector<std::size_t> order, Team& team) {
    const RowStream stream{
        {Philox::low(seed), Philox::high(seed)}, static_cast<std::uint32_t>(Purpose::shuffle), epoch, 0};
    constexpr std::size_t at_once = 32;
    std::array<std::uint64_t, at_once> bits{};
    constexpr double work_of_a_swap = 30;  // it misses the cache
    team.in_order(order.size, 1, [&](std::size_t first, std::size_t count) noexcept {
        for (std::size_t i = first; i < first + count; ++i) order[i] = i;
    });
    team.in_order(order.size, work_of_a_swap, [&](std::size_t first, std::size_t count) noexcept {
        for (std::size_t done = first; done < first + count; ++done) {
            const std::size_t i = order.size - 1 - done;
            if (i == 0) return;
            if (i % at_once == at_once - 1 || done == 0) kernels<float>().random_bits(stream, i / at_once, bits.data());
            std::swap(order[i], order[RandomStream::below(i + 1, bits[i % at_once])]);
        }
    });
}

namespace {

// Rows whose distance is a large power of two evict each other from the cache, so they are gathered first.
template <class T>
bool rows_conflict(std::size_t stride) noexcept {
    return row_stride<T>(stride) != stride;
}

}  // namespace

template <class T>
Batches<T>::Batches(Samples<T> samples, std::size_t batch_size, bool shuffled, std::uint64_t seed, bool evenly_spaced)
    : samples_(samples),
      batch_size_(std::min(batch_size, samples.size())),
      shuffled_(shuffled),
      gathers_X_(batch_size_ > 1 && !samples.is_sparse() &&
                 ((shuffled && evenly_spaced) || rows_conflict<T>(samples.X.stride))),
      seed_(seed) {
    if (samples.is_sparse()) sparse_rows_ = SparseRowPointers<T>(batch_size_);
    else if (gathers_X_) X_ = Rows<T>(batch_size_, samples.X.cols);
    else X_rows_ = RowPointers<const T>(batch_size_);
    if (!shuffled) return;
    order_ = Buffer<std::size_t>(samples.size());
    if (samples.Y.labels != nullptr) labels_ = Buffer<std::int64_t>(batch_size_);
    else Y_ = Rows<T>(batch_size_, samples.Y.Y.cols);
    if (samples.weights != nullptr) weights_ = Buffer<double>(batch_size_);
}

template <class T>
void Batches<T>::begin_epoch(std::size_t epoch, Team& team) {
    if (shuffled_) shuffle(seed_, static_cast<std::uint32_t>(epoch), order_.view(), team);
}

template <class T>
std::size_t Batches<T>::size_of(std::size_t i) const noexcept {
    return std::min(batch_size_, samples_.size() - i * batch_size_);
}

template <class T>
Batch<T> Batches<T>::take(std::size_t i, Team& team) {
    const std::size_t begin = i * batch_size_;
    const std::size_t n = size_of(i);
    const auto index_of = [&](std::size_t row) noexcept {
        return shuffled_ ? order_.data()[begin + row] : begin + row;
    };
    const auto gather = [&](Matrix<const T> from, Matrix<T> to) {
        if (from.cols == 0) return Matrix<const T>(to);  // targets that are never read may have no memory
        team.slices(n, static_cast<double>(from.cols), [&](std::size_t first, std::size_t count) noexcept {
            for (std::size_t row = first; row < first + count; ++row)
                std::memcpy(to.row(row), from.row(index_of(row)), from.cols * sizeof(T));
        });
        return Matrix<const T>(to);
    };
    Batch<T> batch;
    if (samples_.is_sparse()) {
        for (std::size_t row = 0; row < n; ++row) sparse_rows_.set(row, samples_.sparse, index_of(row));
        batch.X = sparse_rows_.rows(n, samples_.X.cols);
    } else if (gathers_X_) {
        gather(samples_.X, X_.first(n));
        batch.X = X_.scattered(n, samples_.X.cols);
    } else {
        for (std::size_t row = 0; row < n; ++row) X_rows_.data()[row] = samples_.X.row(index_of(row));
        const std::size_t stride = shuffled_ && n > 1 ? 0 : samples_.X.stride;
        batch.X = {X_rows_.data(), n, samples_.X.cols, 0, stride};
    }
    if (samples_.weights != nullptr) {
        batch.weights = samples_.weights + begin;
        if (shuffled_) {
            for (std::size_t row = 0; row < n; ++row) weights_.data()[row] = samples_.weights[index_of(row)];
            batch.weights = weights_.data();
        }
    }
    if (!shuffled_) {
        batch.Y = samples_.Y.slice(begin, n);
    } else if (samples_.Y.labels != nullptr) {
        for (std::size_t row = 0; row < n; ++row) labels_.data()[row] = samples_.Y.labels[index_of(row)];
        batch.Y.labels = labels_.data();
    } else {
        batch.Y.Y = gather(samples_.Y.Y, Y_.first(n));
    }
    batch.indices = indices(i);
    batch.first = begin;
    return batch;
}

template <class T>
Prefetch<T> Batches<T>::prefetch_after(std::size_t i) const noexcept {
    if (!shuffled_ || samples_.is_sparse() || i + 1 >= count()) return {};
    const std::size_t* const order = order_.data() + (i + 1) * batch_size_;
    return {samples_.X.data, samples_.X.stride, order, order + size_of(i + 1), 0};
}

template class Batches<float>;
template class Batches<double>;

}  // namespace rosenblatt
