// Dropout: masks drawn by counter, so that they depend on the sample's place in the epoch and on nothing else.
#include "model/dropout.hpp"

#include <algorithm>
#include <cmath>

#include "base/rng.hpp"

namespace rosenblatt {

namespace {

// A random word below it drops its unit.
std::uint32_t dropped_below(double rate) noexcept {
    return static_cast<std::uint32_t>(std::min(std::nearbyint(rate * 0x1p32), 0x1p32 - 1));
}

// The random word of one unit; kernels/dropout.inl draws those of a whole row.
std::uint32_t word_of_unit(std::uint64_t seed, std::size_t epoch, std::size_t row, std::size_t unit) noexcept {
    const std::size_t block = unit / 64 * 16 + unit % 16;
    const Philox::Block words =
        Philox::block({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(row),
                       static_cast<std::uint32_t>(epoch), static_cast<std::uint32_t>(Purpose::dropout)},
                      {Philox::low(seed), Philox::high(seed)});
    return words[unit / 16 % 4];
}

}  // namespace

template <class T>
Dropout<T>::Dropout(const std::vector<double>& rates, const Shape& shape, std::size_t capacity, std::uint64_t seed,
                    bool is_sparse)
    : is_sparse_(is_sparse), sparse_rows_(is_sparse ? capacity : 0), seed_(seed), layers_(rates.size()) {
    for (std::size_t layer = 0; layer < rates.size(); ++layer) {
        if (rates[layer] == 0) continue;
        active_ = true;
        const std::size_t n_in = shape.n_in(layer);
        const std::size_t rows = layer == 0 && is_sparse ? 0 : capacity;
        layers_[layer] = {true, dropped_below(rates[layer]), static_cast<T>(1 / (1 - rates[layer])),
                          n_in, Rows<T>(rows, n_in),         Rows<T>(rows, n_in)};
    }
}

template <class T>
RowStream Dropout<T>::stream() const noexcept {
    return {{Philox::low(seed_), Philox::high(seed_)},
            static_cast<std::uint32_t>(Purpose::dropout),
            static_cast<std::uint32_t>(epoch_),
            first_row_};
}

template <class T>
void Dropout<T>::drop(std::size_t layer, Scattered<const T> A, Team& team) {
    if (A.sparse != nullptr) return drop_sparse(A, team);
    const RowStream words = stream().of_layer(layer);
    const Drop<T> of_layer = rule(layer, A.rows);
    constexpr double work_of_a_number = 4;
    team.slices(A.rows, work_of_a_number * static_cast<double>(A.cols),
                [&](std::size_t first, std::size_t count) noexcept {
                    kernels<T>().drop(words.from(first), A.part(first, 0, count, A.cols), of_layer.slice(first, count));
                });
}

// Missing elements are 0, dropped or not.
template <class T>
void Dropout<T>::drop_sparse(Scattered<const T> X, Team& team) {
    const std::size_t n = nnz(X);
    if (values_.size() < n) values_ = Buffer<T>(n + n / 2);  // batches differ
    std::size_t begin = 0;
    for (std::size_t i = 0; i < X.rows; begin += X.sparse->count[i], ++i)
        sparse_rows_.set(i, values_.data() + begin, X.sparse->column[i], X.sparse->count[i]);
    const std::uint32_t threshold = layers_[0].dropped_below;
    const T scale = layers_[0].scale;
    constexpr double work_of_an_element = 32;
    const double work = work_of_an_element * static_cast<double>(n) / static_cast<double>(X.rows);
    team.slices(X.rows, work, [&](std::size_t first, std::size_t count) noexcept {
        for (std::size_t i = first; i < first + count; ++i) {
            T* const kept = values_.data() + (sparse_rows_.value(i) - values_.data());
            for (std::size_t t = 0; t < X.sparse->count[i]; ++t) {
                const auto unit = static_cast<std::size_t>(X.sparse->column[i][t]);
                const bool stays = word_of_unit(seed_, epoch_, first_row_ + i, unit) >= threshold;
                kept[t] = X.sparse->value[i][t] * (stays ? scale : T{0});
            }
        }
    });
}

template class Dropout<float>;
template class Dropout<double>;

}  // namespace rosenblatt
