// Network: its initial weights and biases drawn layer by layer, and parameters copied.
#include "model/network.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/rng.hpp"

namespace rosenblatt {

namespace {

// `automatic` draws the biases of hidden layers, except if the weights are 0 or a norm follows, whose shift begins at
// 0.
bool draws_biases(const Shape& shape, std::size_t layer, const InitialLayer& initial) noexcept {
    if (initial.biases != InitialBiases::automatic) return initial.biases == InitialBiases::uniform;
    const bool hidden = layer + 1 < shape.n_layers();
    return hidden && !shape.normalises(layer) && initial.weights.initialiser != Initialiser::zeros;
}

}  // namespace

template <class T>
Network<T>::Network(Shape shape, std::uint64_t seed, const std::vector<InitialLayer>& initial, Team& team)
    : Network(std::move(shape)) {
    ROSENBLATT_ASSERT(initial.size() == shape_.n_layers());
    for (std::size_t layer = 0; layer < shape_.n_layers(); ++layer) {
        const auto number = static_cast<std::uint32_t>(layer);
        const std::size_t n_out = shape_.n_out(layer);
        const Panels<T> filled = W(layer);
        draw<T>(initial[layer].weights, shape_.activation(layer), {seed, Purpose::initial_weights, number},
                {filled.data, filled.rows, n_out, filled.row_stride, filled.panel_stride}, team);
        if (draws_biases(shape_, layer, initial[layer]))
            draw_uniform_biases<T>(shape_.n_in(layer), {seed, Purpose::initial_biases, number}, {b(layer).data, n_out},
                                   team);
        if (shape_.normalises(layer)) std::fill_n(g(layer).data, n_out, T{1});
        if (shape_.norm(layer) == Norm::batch) std::fill_n(running_variance(layer).data, n_out, T{1});
    }
}

template <class T>
Network<T>::Network(Shape shape, std::uint64_t seed, Team& team)
    : Network(shape, seed, std::vector<InitialLayer>(shape.n_layers()), team) {}

namespace {

// Copies data in the layout of theta: run(n, work_per_item, copy) calls copy(first, count) for slices of n panels.
template <class T, class Run>
void copy_theta_by(const Shape& from_shape, const T* from, const Shape& to_shape, T* to, Run run) {
    for (std::size_t layer = 0; layer < from_shape.n_layers(); ++layer) {
        const std::size_t n_out = from_shape.n_out(layer);
        const Panels<const T> W = from_shape.W(from, layer);
        const Panels<T> copy = to_shape.W(to, layer);
        const std::size_t n_panels = (n_out + panel_cols<T> - 1) / panel_cols<T>;
        run(n_panels, static_cast<double>(W.rows * panel_cols<T>), [&](std::size_t first, std::size_t count) noexcept {
            for (std::size_t j = first * panel_cols<T>; j < std::min(n_out, (first + count) * panel_cols<T>);
                 j += panel_cols<T>) {
                const std::size_t cols = std::min(n_out - j, panel_cols<T>);
                for (std::size_t k = 0; k < W.rows; ++k) std::copy_n(W.at(k, j), cols, copy.at(k, j));
            }
        });
        std::copy_n(from_shape.b(from, layer).data, n_out, to_shape.b(to, layer).data);
        if (from_shape.normalises(layer))
            std::copy_n(from_shape.g(from, layer).data, n_out, to_shape.g(to, layer).data);
    }
}

template <class T>
void copy_running(const Network<T>& from, Network<T>& to) noexcept {
    for (std::size_t layer = 0; layer < from.shape().n_layers(); ++layer) {
        if (from.shape().norm(layer) != Norm::batch) continue;
        std::copy_n(from.running_mean(layer).data, from.shape().n_out(layer), to.running_mean(layer).data);
        std::copy_n(from.running_variance(layer).data, from.shape().n_out(layer), to.running_variance(layer).data);
    }
}

}  // namespace

template <class T>
void copy_theta(const Shape& from_shape, const T* from, const Shape& to_shape, T* to) noexcept {
    copy_theta_by(from_shape, from, to_shape, to,
                  [](std::size_t n, double, auto copy) noexcept { copy(std::size_t{0}, n); });
}

template <class T>
void copy_parameters(const Network<T>& from, Network<T>& to) noexcept {
    copy_theta<T>(from.shape(), from.theta().data, to.shape(), to.theta().data);
    copy_running(from, to);
}

template <class T>
void copy_parameters(const Network<T>& from, Network<T>& to, Team& team) {
    copy_theta_by<T>(from.shape(), from.theta().data, to.shape(), to.theta().data,
                     [&](std::size_t n, double work, auto copy) { team.in_order(n, work, copy); });
    copy_running(from, to);
}

template class Network<float>;
template class Network<double>;
template void copy_theta(const Shape&, const float*, const Shape&, float*) noexcept;
template void copy_theta(const Shape&, const double*, const Shape&, double*) noexcept;
template void copy_parameters(const Network<float>&, Network<float>&) noexcept;
template void copy_parameters(const Network<double>&, Network<double>&) noexcept;
template void copy_parameters(const Network<float>&, Network<float>&, Team&);
template void copy_parameters(const Network<double>&, Network<double>&, Team&);

}  // namespace rosenblatt
