// Backward: delta from the output to the input, then the gradient of each layer by itself.
#include "model/backward.hpp"

#include "kernels/table.hpp"
#include "model/product.hpp"

namespace rosenblatt {

namespace {

// dA[i][k] = sum_j Delta[i][j] W[k][j]: a sum over the n_out outputs in order. The transpose of W makes it the same product
// as the others. dA (n, at least n_in).
template <class T>
void through_weights(const Network<T>& network, std::size_t layer, Workspace<T>& work, Matrix<T> dA, Team& team) {
    const std::size_t n_in = network.shape().n_in(layer);
    const std::size_t n_out = network.shape().n_out(layer);
    const Matrix<const T> Delta = work.Delta(layer, dA.rows).columns(n_out);
    const Matrix<const T> W = network.W(layer).columns(n_out);
    if (n_out == 1) {  // a single column is its own transpose
        multiply<T>({as_it_lies(Delta), {W.data, 1, n_in, n_in}}, nullptr, dA.columns(n_in), Chains::single, team);
        return;
    }
    const Matrix<T> Wt{work.W_transposed(), n_out, dA.cols, dA.cols};
    team.slices(n_in, static_cast<double>(n_out), [&](std::size_t first, std::size_t count) noexcept {
        const bool last = first + count == n_in;  // which fills up the rows of the transpose, too
        const std::size_t cols = last ? Wt.cols - first : count;
        kernels<T>().transpose(W.slice(first, count), {Wt.data + first, Wt.rows, cols, Wt.stride});
    });
    multiply<T>({as_it_lies(Delta), Wt}, nullptr, dA, chains(n_out, n_in), team);
}

}  // namespace

template <class T>
void backpropagate(const Network<T>& network, std::size_t n, Workspace<T>& work, Team& team) {
    for (std::size_t layer = network.shape().n_layers() - 1; layer > 0; --layer) {
        const Matrix<T> Delta = work.Delta(layer - 1, n);
        const Activation f = network.shape().activation(layer - 1);
        // The derivative of softmax sums over the layer; the others take each number by itself, the filling too.
        const std::size_t cols = f == Activation::softmax ? network.shape().n_out(layer - 1) : Delta.cols;
        const Matrix<const T> A = work.A(layer - 1, n).columns(cols);
        through_weights(network, layer, work, Delta, team);
        team.slices(n, static_cast<double>(A.cols), [&](std::size_t first, std::size_t count) noexcept {
            kernels<T>().through_activation(f, A.slice(first, count), Delta.slice(first, count).columns(cols));
        });
    }
}

// dW[k][j] = sum_i A[i][k] Delta[i][j], db[j] = sum_i Delta[i][j]: sums over the samples in order.
template <class T>
void weight_gradients(const Network<T>& network, Matrix<const T> X, Workspace<T>& work, Vector<T> grad, Team& team) {
    const Shape& shape = network.shape();
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
        const Matrix<const T> Delta = work.Delta(layer, X.rows);
        multiply<T>(weight_gradient(work.A_in(layer, X), Delta), nullptr, as_product_of(shape.W(grad.data, layer)),
                    Chains::single, team);
        kernels<T>().sum_rows(Delta, shape.b(grad.data, layer).data);
    }
}

template <class T>
void input_gradients(const Network<T>& network, Workspace<T>& work, Matrix<T> dX, Team& team) {
    through_weights(network, 0, work, dX, team);
}

template void backpropagate(const Network<float>&, std::size_t, Workspace<float>&, Team&);
template void backpropagate(const Network<double>&, std::size_t, Workspace<double>&, Team&);
template void weight_gradients(const Network<float>&, Matrix<const float>, Workspace<float>&, Vector<float>, Team&);
template void weight_gradients(const Network<double>&, Matrix<const double>, Workspace<double>&, Vector<double>, Team&);
template void input_gradients(const Network<float>&, Workspace<float>&, Matrix<float>, Team&);
template void input_gradients(const Network<double>&, Workspace<double>&, Matrix<double>, Team&);

}  // namespace rosenblatt
