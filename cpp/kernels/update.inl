// The gradient descent step, w := w - epsilon dC/dw, and its momentum forms (docs/arithmetic.md, section 5).
#pragma once

#include "kernels/table.hpp"
#include "simd/pack.hpp"

namespace rosenblatt {
namespace {

// The new weight from one and its gradient; v, the velocity, is updated. One function per rule, so that the rule is
// chosen once and not for every number.
// Sources: momentum, Polyak 1964; nesterov as in Sutskever, Martens, Dahl, Hinton, ICML 2013.
template <class T>
struct PlainDescent {
    Pack<T> descent;  // -epsilon
    ROSENBLATT_INLINE Pack<T> operator()(Pack<T> dw, Pack<T> w) const noexcept { return fma(descent, dw, w); }
};

template <class T>
struct MomentumDescent {
    Pack<T> descent;
    Pack<T> momentum;
    bool nesterov;
    ROSENBLATT_INLINE Pack<T> operator()(Pack<T> dw, Pack<T>& v, Pack<T> w) const noexcept {
        v = fma(descent, dw, momentum * v);
        return w + (nesterov ? fma(descent, dw, momentum * v) : v);
    }
};

// Whole registers first, then the rest by the same code.
template <class T>
ROSENBLATT_INLINE void descend(PlainDescent<T> rule, const T* dw, std::size_t n, T* w) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    std::size_t i = 0;
    for (; i + width <= n; i += width) store(w + i, rule(load(dw + i), load(w + i)));
    if (i < n) store(w + i, rule(load(dw + i, n - i), load(w + i, n - i)), n - i);
}

template <class T>
ROSENBLATT_INLINE void descend(MomentumDescent<T> rule, const T* dw, std::size_t n, T* v, T* w) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    std::size_t i = 0;
    for (; i + width <= n; i += width) {
        Pack<T> velocity = load(v + i);
        store(w + i, rule(load(dw + i), velocity, load(w + i)));
        store(v + i, velocity);
    }
    if (i < n) {
        Pack<T> velocity = load(v + i, n - i);
        store(w + i, rule(load(dw + i, n - i), velocity, load(w + i, n - i)), n - i);
        store(v + i, velocity, n - i);
    }
}

template <class T>
void sgd_step(SgdStep<T> step, const T* dw, std::size_t n, T* v, T* w) noexcept {
    const Pack<T> descent = broadcast(-step.learning_rate);
    if (v == nullptr) descend(PlainDescent<T>{descent}, dw, n, w);
    else descend(MomentumDescent<T>{descent, broadcast(step.momentum), step.nesterov}, dw, n, v, w);
}

}  // namespace
}  // namespace rosenblatt
