// Noise: drawn by counter, so that it depends on the sample's place in the epoch and on nothing else.
#include "model/noise.hpp"

#include "base/rng.hpp"
#include "kernels/table.hpp"

namespace rosenblatt {

template <class T>
Scattered<const T> InputNoise<T>::on(Scattered<const T> X, std::size_t epoch, std::size_t first_row, Team& team) {
    const Matrix<T> noisy = noisy_.first(X.rows);
    constexpr double work_of_a_number = 32;
    team.slices(X.rows, work_of_a_number * static_cast<double>(X.cols),
                [&](std::size_t first, std::size_t count) noexcept {
                    const RowStream stream{{Philox::low(seed_), Philox::high(seed_)},
                                           static_cast<std::uint32_t>(Purpose::input_noise),
                                           static_cast<std::uint32_t>(epoch),
                                           first_row + first};
                    kernels<T>().add_noise(stream, static_cast<T>(deviation_), X.part(first, 0, count, X.cols),
                                           noisy.slice(first, count));
                });
    return noisy_.scattered(X.rows, X.cols);
}

template class InputNoise<float>;
template class InputNoise<double>;

}  // namespace rosenblatt
