// Network: initial weights.
// Sources: Glorot, Bengio, AISTATS 2010; He, Zhang, Ren, Sun, ICCV 2015.
#include "model/network.hpp"

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
Network<T>::Network(Shape shape, std::uint64_t seed) : shape_(std::move(shape)), theta_(shape_.n_params()) {
    const FloatMode mode;
    for (std::size_t layer = 0; layer < shape_.n_layers(); ++layer) {
        const RandomStream random{seed, Purpose::initial_weights, static_cast<std::uint32_t>(layer)};
        const double limit = weight_limit(shape_.activation(layer), shape_.n_in(layer), shape_.n_out(layer));
        const Matrix<T> weights = W(layer);
        for (std::size_t i = 0; i < weights.rows * weights.cols; ++i)
            weights.data[i] = static_cast<T>((random.uniform(i) * 2 - 1) * limit);
    }
}

template class Network<float>;
template class Network<double>;

}  // namespace rosenblatt
