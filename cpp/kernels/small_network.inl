// A whole step of a small network in one call: forward, loss, backward, update on one thread, with the functions that
// the table offers one by one. Where a layer takes some ten nanoseconds, calls and descriptions of large products would
// take longer than the mathematics.
#pragma once

#include "kernels/activation.inl"
#include "kernels/dropout.inl"
#include "kernels/gemm.inl"
#include "kernels/loss.inl"
#include "kernels/table.hpp"
#include "kernels/update.inl"
#include "simd/pack.hpp"

namespace rosenblatt {
namespace {

// A number of samples whose sums stay in registers next to a square of weights.
constexpr std::size_t few_samples = 4;

// a of a hidden layer, or z of the output, from the rows of A_in (n, n_in). A (n, columns).
template <class T>
ROSENBLATT_INLINE void forward_layer(const SmallLayer<T>& layer, bool output, Scattered<const T> A_in,
                                     Matrix<T> A) noexcept {
    const Operands<T> operands{.L = {A_in}, .R = {layer.W}};
    const bool keeps_z = !output && layer.Z.data != nullptr;
    const Matrix<T> Z = keeps_z ? layer.Z.slice(0, A.rows) : A;
    if (interleaved(A_in.cols, layer.n_out)) {
        multiply_interleaved<T>(operands, layer.b, in_panels(Z));
    } else if (output || keeps_z || acts_on_rows(layer.f)) {
        multiply<T>(operands, {layer.b}, in_panels(Z));
    } else {
        multiply_activate<T>(operands, {layer.b}, layer.f, in_panels(A));
        return;
    }
    if (!output) activate<T>(layer.f, Z.columns(layer.n_out), A.columns(layer.n_out));
}

// Delta (n, n_in) = dC/da of the layer's input for n few samples, by squares of W transposed in registers: a chain over
// the outputs j of delta[i][j] w[k][j]. Rows of Delta are whole registers; its filling becomes 0.
template <class T, std::size_t n>
void weights_backward(const SmallLayer<T>& layer, const T* const* delta, Matrix<T> Delta) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    const std::size_t n_in = layer.W.rows;
    for (std::size_t k = 0; k < n_in; k += width) {
        Pack<T> sum[n] = {};
        for (std::size_t j = 0; j < layer.n_out; j += width) {
            const T* const from = layer.W.at(k, j);
            Pack<T> square[width];
            if (k + width <= n_in) {
                unrolled<width>([&](auto p) ROSENBLATT_BODY { square[p] = load(from + p * layer.W.row_stride); });
            } else {
                unrolled<width>([&](auto p) ROSENBLATT_BODY {
                    square[p] = k + p < n_in ? load(from + p * layer.W.row_stride) : zero<T>();
                });
            }
            transpose_square<T>(square);
            const auto term = [&](std::size_t t, Pack<T> w) ROSENBLATT_BODY {
                unrolled<n>([&](auto i) ROSENBLATT_BODY { sum[i] = fma(broadcast(delta[i][t]), w, sum[i]); });
            };
            if (j + width <= layer.n_out) {
                unrolled<width>([&](auto q) ROSENBLATT_BODY { term(j + q, square[q]); });
            } else {
                unrolled<width>([&](auto q) ROSENBLATT_BODY {
                    if (j + q < layer.n_out) term(j + q, square[q]);
                });
            }
        }
        unrolled<n>([&](auto i) ROSENBLATT_BODY { store(Delta.row(i) + k, sum[i]); });
    }
}

// Delta of the layer before: (n, n_in), from delta of this one.
template <class T>
ROSENBLATT_INLINE void backward_layer(const SmallLayer<T>& layer, const SmallLayer<T>& before, std::size_t n,
                                      T* scratch) noexcept {
    const std::size_t n_in = layer.W.rows;
    const Matrix<T> Delta = before.Delta.slice(0, n).columns(n_in);
    const Matrix<T> filled = before.derivative_from().slice(0, n);
    const Matrix<const T> from = filled.columns(n_in);
    const bool drops = layer.drop.mask.data != nullptr;
    const auto through = [&](Activation f) noexcept {
        if (drops) multiply_numbers<T>(Delta, layer.drop.mask.slice(0, n), Delta);  // a dropped unit has no part in C
        if (acts_on_rows(f)) activation_backward<T>(f, from, Delta);
        else activation_backward<T>(f, filled, before.Delta.slice(0, n));  // the filling stays 0
    };
    const Scattered<const T> delta{layer.Delta_rows, n, layer.n_out, 0, layer.Delta.stride};
    if (layer.n_out > 1 && n <= few_samples && n_in > 1) {
        switch (n) {
            case 1:
                weights_backward<T, 1>(layer, delta.row, Delta);
                break;
            case 2:
                weights_backward<T, 2>(layer, delta.row, Delta);
                break;
            case 3:
                weights_backward<T, 3>(layer, delta.row, Delta);
                break;
            default:
                weights_backward<T, 4>(layer, delta.row, Delta);
                break;
        }
        return through(before.f);
    }
    if (layer.n_out == 1) {  // a sum of one term
        for (std::size_t i = 0; i < n; ++i) {
            const Pack<T> d = broadcast(delta.row[i][0]);
            map(layer.W.data, n_in, Delta.row(i), [&](Pack<T> w) ROSENBLATT_BODY { return fma(d, w, zero<T>()); });
        }
        return through(before.f);
    }
    Operands<T> operands{.L = {delta}, .R = {}};
    operands.R = {{layer.W.data, n_in, layer.n_out, layer.W.row_stride, layer.W.panel_stride}, true};
    operands.R_copy = scratch;
    operands.panels = panels_at_once(n);
    if (drops || acts_on_rows(before.f)) {  // so few rows go faster through a mask all at once than tile by tile
        multiply<T>(operands, {}, in_panels(Delta));
        through(before.f);
    } else {
        multiply_activation_backward<T>(operands, {}, before.f, from, {}, in_panels(Delta));
    }
}

// W := W - epsilon dC/dW for n samples, so few that W is best gone through once, with delta in registers.
template <class T, std::size_t n>
void descend_few(const SmallLayer<T>& layer, const T* const* A, std::size_t first, T epsilon) noexcept {
    constexpr std::size_t width = Pack<T>::width;
    const Descent<T> rule(epsilon);
    const Panels<T> W = layer.W;
    const auto registers = [&](std::size_t j, auto packs) ROSENBLATT_BODY {
        Pack<T> right[n][packs];
        unrolled<n>([&](auto t) ROSENBLATT_BODY {
            unrolled<packs>([&](auto p) ROSENBLATT_BODY { right[t][p] = load(layer.Delta_rows[t] + j + p * width); });
        });
        T* w = W.at(0, j);
        for (std::size_t k = 0; k < W.rows; ++k, w += W.row_stride) {
            Pack<T> sum[packs] = {};
            unrolled<n>([&](auto t) ROSENBLATT_BODY {
                const Pack<T> left = broadcast(A[t][first + k]);
                unrolled<packs>([&](auto p) ROSENBLATT_BODY { sum[p] = fma(left, right[t][p], sum[p]); });
            });
            unrolled<packs>([&](auto p)
                                ROSENBLATT_BODY { store(w + p * width, rule(sum[p], nullptr, load(w + p * width))); });
        }
    };
    std::size_t j = 0;
    for (; j + 2 * width <= W.cols; j += 2 * width) registers(j, Index<2>{});
    for (; j < W.cols; j += width) registers(j, Index<1>{});
}

// dC/dW of a layer as a product; f(product, as_result), where as_result(W) is W as its result: the transpose of
// one column is a row, so that registers run along the inputs.
template <class T, class F>
ROSENBLATT_INLINE void with_gradient(const SmallLayer<T>& layer, Scattered<const T> A_in, Prefetch<T> prefetch,
                                     F f) noexcept {
    const std::size_t n = A_in.rows;
    if (layer.W.cols == 1) {
        const Scattered<const T> delta{layer.Delta_rows, 1, n, 0, n};
        const Panels<const T> A{A_in.row[0] + A_in.first, n, A_in.cols, A_in.stride, panel_cols<T>};
        f(Operands<T>{.L = {delta}, .R = {A}, .prefetch = prefetch},
          [](Panels<T> W) ROSENBLATT_BODY { return Panels<T>{W.data, 1, W.rows, W.rows, panel_cols<T>}; });
    } else {
        const Panels<const T> delta{layer.Delta.data, n, layer.W.cols, layer.Delta.stride, panel_cols<T>};
        f(Operands<T>{.L = {A_in, true}, .R = {delta}, .prefetch = prefetch},
          [](Panels<T> W) ROSENBLATT_BODY { return W; });
    }
}

// dC/db of a layer: for one sample delta itself, which may be changed.
template <class T>
ROSENBLATT_INLINE T* bias_gradient(const SmallLayer<T>& layer, std::size_t n, const SmallNetwork<T>& network) noexcept {
    if (n == 1) return layer.Delta.data;
    sum_rows<T>(layer.Delta.slice(0, n), network.db);
    return network.db;
}

// Updates W and b of one layer along their gradients.
template <class T>
ROSENBLATT_INLINE void update_layer(const SmallLayer<T>& layer, Scattered<const T> A_in, const SmallNetwork<T>& network,
                                    Prefetch<T> prefetch) noexcept {
    const UpdateRule<T>& rule = *network.rule;
    const std::size_t n = A_in.rows;
    if (n <= few_samples && layer.W.cols > 1 && rule.is_plain_descent()) {
        switch (n) {
            case 1:
                descend_few<T, 1>(layer, A_in.row, A_in.first, rule.rate);
                break;
            case 2:
                descend_few<T, 2>(layer, A_in.row, A_in.first, rule.rate);
                break;
            case 3:
                descend_few<T, 3>(layer, A_in.row, A_in.first, rule.rate);
                break;
            default:
                descend_few<T, 4>(layer, A_in.row, A_in.first, rule.rate);
                break;
        }
    } else {
        with_gradient(layer, A_in, prefetch, [&](const Operands<T>& LR, auto as_result) ROSENBLATT_BODY {
            PanelStates<T> states;
            for (std::size_t i = 0; i < n_states(rule.rule); ++i) states.of[i] = as_result(layer.state_W.of[i]);
            multiply_update<T>(LR, rule, states, as_result(layer.W));
        });
    }
    T* const db = bias_gradient(layer, n, network);
    if (rule.adjustment.limits) clip(T{1}, rule.adjustment.limit, layer.W.cols, db);
    update(rule, db, layer.W.cols, layer.state_b, layer.b);
}

// One step on the rows of X (n, n_features). Returns the cost C; if it is not finite, nothing is updated.
template <class T>
double small_step(const SmallNetwork<T>& network, Scattered<const T> X, Targets<T> targets, const double* weights,
                  double weight, Prefetch<T> prefetch) noexcept {
    const std::size_t n = X.rows;
    const std::size_t last = network.n_layers - 1;
    const auto A_before = [&](std::size_t layer) noexcept -> Scattered<const T> {
        if (layer == 0) return X;
        const SmallLayer<T>& before = network.layers[layer - 1];
        return {before.A_rows, n, before.n_out, 0, before.A.stride};
    };
    const auto A_in = [&](std::size_t layer) noexcept -> Scattered<const T> {
        const SmallLayer<T>& of = network.layers[layer];
        if (of.drop.mask.data == nullptr) return A_before(layer);
        return {of.dropped_rows, n, of.W.rows, 0, of.drop.dropped.stride};
    };
    const auto drop_before = [&](std::size_t layer) noexcept {
        if (network.layers[layer].drop.mask.data != nullptr)
            drop<T>(network.dropout.of_layer(layer), A_before(layer), network.layers[layer].drop);
    };
    for (std::size_t layer = 0; layer < last; ++layer) {
        drop_before(layer);
        forward_layer(network.layers[layer], false, A_in(layer), network.layers[layer].A.slice(0, n));
    }
    drop_before(last);
    const SmallLayer<T>& output = network.layers[last];
    const Matrix<T> Z = network.Z.slice(0, n);
    forward_layer(output, true, A_in(last), Z);
    loss<T>(network.loss, output.f, Z.columns(output.n_out), targets, network.scale,
            output.A.slice(0, n).columns(output.n_out), network.sample_loss,
            output.Delta.slice(0, n).columns(output.n_out));
    double total = 0;
    for (std::size_t i = 0; i < n; ++i)
        total = weights == nullptr ? total + network.sample_loss[i] : fma(weights[i], network.sample_loss[i], total);
    const double C = total / weight;
    if (!(C - C == 0)) return C;
    for (std::size_t layer = last; layer > 0; --layer)
        backward_layer(network.layers[layer], network.layers[layer - 1], n, network.scratch);
    for (std::size_t layer = 0; layer <= last; ++layer) {
        const Prefetch<T> rows = layer == 0 ? prefetch : Prefetch<T>{};
        update_layer(network.layers[layer], A_in(layer), network, rows);
    }
    return C;
}

}  // namespace
}  // namespace rosenblatt
