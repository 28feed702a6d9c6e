// Network: its initial weights drawn layer by layer, and parameters copied.
#include "model/network.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/float_mode.hpp"
#include "base/rng.hpp"

namespace rosenblatt {

template <class T>
Network<T>::Network(Shape shape, std::uint64_t seed, const std::vector<InitialWeights>& weights)
    : Network(std::move(shape)) {
    ROSENBLATT_ASSERT(weights.size() == shape_.n_layers());
    const FloatMode mode;
    for (std::size_t layer = 0; layer < shape_.n_layers(); ++layer) {
        const RandomStream random{seed, Purpose::initial_weights, static_cast<std::uint32_t>(layer)};
        const Panels<T> filled = W(layer);
        draw<T>(weights[layer], shape_.activation(layer), random,
                {filled.data, filled.rows, shape_.n_out(layer), filled.row_step, filled.panel_step});
    }
}

template <class T>
Network<T>::Network(Shape shape, std::uint64_t seed)
    : Network(shape, seed, std::vector<InitialWeights>(shape.n_layers())) {}

template <class T>
void copy_parameters(const Network<T>& from, Network<T>& to) noexcept {
    for (std::size_t layer = 0; layer < from.shape().n_layers(); ++layer) {
        const std::size_t n_out = from.shape().n_out(layer);
        const Panels<const T> W = from.W(layer);
        for (std::size_t j = 0; j < n_out; j += panel_cols<T>) {
            const std::size_t cols = std::min(n_out - j, panel_cols<T>);
            for (std::size_t k = 0; k < W.rows; ++k) std::copy_n(W.at(k, j), cols, to.W(layer).at(k, j));
        }
        std::copy_n(from.b(layer).data, n_out, to.b(layer).data);
    }
}

template class Network<float>;
template class Network<double>;
template void copy_parameters(const Network<float>&, Network<float>&) noexcept;
template void copy_parameters(const Network<double>&, Network<double>&) noexcept;

}  // namespace rosenblatt
