// Backward: delta from the output to the input, then the gradient of each layer by itself.
#include "model/backward.hpp"

#include <algorithm>

#include "kernels/table.hpp"
#include "model/forward.hpp"
#include "model/product.hpp"
#include "model/sparse_products.hpp"

namespace rosenblatt {

namespace {

// Delta W^T. Where there is one output, W is a row of its own transpose.
template <class T>
Product<T> input_gradient(const Network<T>& network, std::size_t layer, Scattered<const T> Delta) noexcept {
    const Panels<const T> W = network.W(layer);
    if (Delta.cols == 1) return {{Delta}, {{W.data, 1, W.rows, W.rows, panel_cols<T>}}};
    return {{Delta}, {{W.data, W.rows, Delta.cols, W.row_stride, W.panel_stride}, true}};
}

}  // namespace

// dA[i][k] = sum_j Delta[i][j] W[k][j]: a sum over the n_out outputs in order.
template <class T>
void weights_backward(const Network<T>& network, std::size_t layer, Workspace<T>& work, Matrix<T> dA, Team& team) {
    const std::size_t n_in = network.shape().n_in(layer);
    const std::size_t n_out = network.shape().n_out(layer);
    const Scattered<const T> dU = work.dU_rows(layer, dA.rows, n_out);
    const Panels<T> dA_of_inputs = in_panels(dA.columns(n_in));
    multiply<T>(input_gradient(network, layer, dU), nullptr, dA_of_inputs, chains(n_out, n_in), team);
}

namespace {

// dA (n, n_in) = dC/da of what goes into a layer.
template <class T>
void layer_backward(const Network<T>& network, std::size_t layer, Workspace<T>& work, Matrix<T> dA, Team& team) {
    weights_backward(network, layer, work, dA, team);
    if (!network.shape().skips(layer)) return;
    skip(work.G_rows(layer, dA.rows, network.shape().n_in(layer)), dA, team);
}

// delta of the hidden layer before this one: the unfused path, for layers with a norm, a skip or a row-wise activation.
template <class T>
void backpropagate_unfused(const Network<T>& network, std::size_t layer, std::size_t n, Workspace<T>& work,
                           Team& team) {
    const Shape& shape = network.shape();
    const std::size_t before = layer - 1;
    const std::size_t n_in = shape.n_in(layer);
    const Matrix<T> Delta = work.Delta(before, n).columns(n_in);
    const Matrix<const T> From = work.derivative_from(before, n).columns(n_in);
    layer_backward(network, layer, work, Delta, team);
    team.slices(n, static_cast<double>(n_in), [&](std::size_t first, std::size_t count) noexcept {
        const Matrix<T> of_slice = Delta.slice(first, count);
        if (work.dropout().applies_to(layer))  // a unit that was dropped has no part in the cost
            kernels<T>().multiply_numbers(of_slice, work.dropout().mask(layer, n).slice(first, count), of_slice);
        if (shape.skips(before))
            for (std::size_t i = first; i < first + count; ++i)
                std::copy_n(Delta.row(i), n_in, work.G(before, n).row(i));
        kernels<T>().activation_backward(shape.activation(before), From.slice(first, count), of_slice);
    });
    if (const CustomActivation* const custom = shape.custom(before)) custom->backward(From, Delta);
    if (shape.normalises(before))
        norm_backward<T>(network, before, work.normalised(), work.Delta(before, n), work.dU(before, n), team);
}

}  // namespace

template <class T>
void backpropagate(const Network<T>& network, std::size_t n, Workspace<T>& work, Team& team) {
    for (std::size_t layer = network.shape().n_layers() - 1; layer > 0; --layer) {
        const std::size_t n_in = network.shape().n_in(layer);
        const std::size_t n_out = network.shape().n_out(layer);
        const Matrix<T> Delta = work.Delta(layer - 1, n).columns(n_in);
        const Matrix<const T> From = work.derivative_from(layer - 1, n).columns(n_in);
        const Activation f = network.shape().activation(layer - 1);
        if (acts_on_rows(f) || chains(n_out, n_in) == Chains::sixteen || network.shape().skips(layer) ||
            !network.shape().plain(layer - 1)) {
            backpropagate_unfused(network, layer, n, work, team);
            continue;
        }
        const Scattered<const T> dU = work.dU_rows(layer, n, n_out);
        const Matrix<const T> mask =
            work.dropout().applies_to(layer) ? work.dropout().mask(layer, n) : Matrix<const T>{};
        multiply<T>(input_gradient(network, layer, dU), nullptr, in_panels(Delta), Prefetch<T>{}, team,
                    [&](const Operands<T>& LR, Init<T> init, Tile tile) noexcept {
                        kernels<T>().multiply_activation_backward(LR, init, f, tile.of(From),
                                                                  mask.data == nullptr ? mask : tile.of(mask),
                                                                  tile.of(in_panels(Delta)));
                    });
    }
}

// dW[k][j] = sum_i A[i][k] dU[i][j], db[j] = sum_i Delta[i][j], dg[j] = sum_i Delta[i][j] u_hat[i][j]: sums over the
// samples in order.
template <class T>
void weight_gradients(const Network<T>& network, Scattered<const T> X, Workspace<T>& work, Vector<T> grad, Team& team) {
    const Shape& shape = network.shape();
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
        const Matrix<const T> Delta = work.Delta(layer, X.rows);
        const Scattered<const T> A_in = work.A_in(layer, X);
        const Panels<T> dW = shape.W(grad.data, layer);
        if (A_in.sparse != nullptr) gradient_sparse<T>(work.columns().of(A_in), work.dU(layer, X.rows), dW, team);
        else
            multiply<T>(weight_gradient(A_in, work.dU_rows(layer, X.rows, Delta.cols)), nullptr, as_product_of(dW),
                        Chains::single, team);
        kernels<T>().sum_rows(Delta, shape.b(grad.data, layer).data);
        if (shape.normalises(layer))
            kernels<T>().sum_row_products(Delta, work.normalised().U(layer, X.rows), shape.g(grad.data, layer).data);
    }
}

template <class T>
void input_gradients(const Network<T>& network, Workspace<T>& work, Matrix<T> dX, Team& team) {
    layer_backward(network, 0, work, dX, team);
}

template void weights_backward(const Network<float>&, std::size_t, Workspace<float>&, Matrix<float>, Team&);
template void weights_backward(const Network<double>&, std::size_t, Workspace<double>&, Matrix<double>, Team&);
template void backpropagate(const Network<float>&, std::size_t, Workspace<float>&, Team&);
template void backpropagate(const Network<double>&, std::size_t, Workspace<double>&, Team&);
template void weight_gradients(const Network<float>&, Scattered<const float>, Workspace<float>&, Vector<float>, Team&);
template void weight_gradients(const Network<double>&, Scattered<const double>, Workspace<double>&, Vector<double>,
                               Team&);
template void input_gradients(const Network<float>&, Workspace<float>&, Matrix<float>, Team&);
template void input_gradients(const Network<double>&, Workspace<double>&, Matrix<double>, Team&);

}  // namespace rosenblatt
