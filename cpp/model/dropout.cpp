// Dropout: masks drawn by counter, so that they depend on the sample's place in the epoch and on nothing else.
#include "model/dropout.hpp"

#include <algorithm>
#include <cmath>

#include "base/rng.hpp"

namespace rosenblatt {

template <class T>
Dropout<T>::Dropout(const std::vector<double>& rates, const Shape& shape, std::size_t capacity, std::uint64_t seed)
    : seed_(seed), layers_(rates.size()) {
    for (std::size_t layer = 0; layer < rates.size(); ++layer) {
        if (rates[layer] == 0) continue;
        active_ = true;
        const std::size_t n_in = shape.n_in(layer);
        layers_[layer] = {rates[layer], n_in, Rows<T>(capacity, n_in), Rows<T>(capacity, n_in)};
    }
}

template <class T>
void Dropout<T>::drop(std::size_t layer, Scattered<const T> A, Team& team) {
    Layer& of_layer = layers_[layer];
    const auto dropped_below = static_cast<std::uint32_t>(std::min(std::nearbyint(of_layer.rate * 0x1p32), 0x1p32 - 1));
    const T scale = static_cast<T>(1 / (1 - of_layer.rate));
    const Matrix<T> mask = of_layer.mask.first(A.rows);
    const Matrix<T> dropped = of_layer.dropped.first(A.rows);
    constexpr double work_of_a_number = 16;
    team.slices(A.rows, work_of_a_number * static_cast<double>(A.cols),
                [&](std::size_t first, std::size_t count) noexcept {
                    const RowStream stream{
                        {Philox::low(seed_), Philox::high(seed_)},
                        static_cast<std::uint32_t>(Purpose::dropout) + (static_cast<std::uint32_t>(layer) << 8),
                        static_cast<std::uint32_t>(epoch_),
                        first_row_ + first};
                    kernels<T>().dropout_mask(stream, dropped_below, scale, mask.slice(first, count));
                    for (std::size_t i = first; i < first + count; ++i)
                        kernels<T>().multiply_numbers({A.row[i] + A.first, 1, A.cols, A.cols}, mask.slice(i, 1),
                                                      dropped.slice(i, 1));
                });
}

template class Dropout<float>;
template class Dropout<double>;

}  // namespace rosenblatt
