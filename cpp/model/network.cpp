// Network: initial weights.
// Sources: Glorot, Bengio, AISTATS 2010; He, Zhang, Ren, Sun, ICCV 2015.
#include "model/network.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/float_mode.hpp"
#include "base/rng.hpp"

namespace rosenblatt {

namespace {

// Weights are uniform in (-limit, limit).
double weight_limit(Activation activation, std::size_t n_in, std::size_t n_out) noexcept {
    switch (activation) {
        case Activation::relu:
            return std::sqrt(6.0 / static_cast<double>(n_in));
        case Activation::identity:
        case Activation::logistic:
        case Activation::tanh:
        case Activation::softmax:
            return std::sqrt(6.0 / static_cast<double>(n_in + n_out));
    }
    __builtin_unreachable();
}

}  // namespace

template <class T>
Network<T>::Network(Shape shape, std::uint64_t seed) : Network(std::move(shape)) {
    const FloatMode mode;
    for (std::size_t layer = 0; layer < shape_.n_layers(); ++layer) {
        const RandomStream random{seed, Purpose::initial_weights, static_cast<std::uint32_t>(layer)};
        const double limit = weight_limit(shape_.activation(layer), shape_.n_in(layer), shape_.n_out(layer));
        const Panels<T> weights = W(layer);
        const std::size_t n_out = shape_.n_out(layer);
        for (std::size_t k = 0; k < weights.rows; ++k)
            for (std::size_t j = 0; j < n_out; ++j)
                *weights.at(k, j) = static_cast<T>((random.uniform(k * n_out + j) * 2 - 1) * limit);
    }
}

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
