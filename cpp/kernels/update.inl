// The gradient descent step, w := w - epsilon dC/dw, and its momentum forms (docs/arithmetic.md, section 5).
#pragma once

#include "kernels/table.hpp"
#include "simd/pack.hpp"

namespace rosenblatt {
namespace {

// Sources: momentum, Polyak 1964; nesterov as in Sutskever, Martens, Dahl, Hinton, ICML 2013.
template <class T>
void sgd_step(SgdStep<T> step, const T* dw, std::size_t n, T* v, T* w) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    const Pack<T> descent = broadcast(-step.learning_rate);
    const Pack<T> momentum = broadcast(step.momentum);
    for (std::size_t i = 0; i < n; i += width) {
        const std::size_t lanes = n - i < width ? n - i : width;
        const Pack<T> gradient = load(dw + i, lanes);
        const Pack<T> weight = load(w + i, lanes);
        if (v == nullptr) {
            store(w + i, fma(descent, gradient, weight), lanes);
            continue;
        }
        const Pack<T> velocity = fma(descent, gradient, momentum * load(v + i, lanes));
        const Pack<T> move = step.nesterov ? fma(descent, gradient, momentum * velocity) : velocity;
        store(v + i, velocity, lanes);
        store(w + i, weight + move, lanes);
    }
}

}  // namespace
}  // namespace rosenblatt
