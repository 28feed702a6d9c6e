// Backward: from the output to the input, layer by layer.
#include "model/backward.hpp"

#include "kernels/table.hpp"
#include "model/product.hpp"

namespace rosenblatt {

namespace {

// dW[k][j] = sum_i A[i][k] Delta[i][j], db[j] = sum_i Delta[i][j]: sums over the samples in order.
template <class T>
void weight_gradient(Matrix<const T> A, Matrix<const T> Delta, Matrix<T> dW, Vector<T> db, Team& team) {
    product<T>(transposed(A), Delta, nullptr, dW, Chains::single, team);
    kernels<T>().sum_rows(Delta, db.data);
}

// dA[i][k] = sum_j Delta[i][j] W[k][j]: a sum over the outputs in order. The transpose of W makes it the same product
// as the others.
template <class T>
void input_gradient(Matrix<const T> W, Matrix<const T> Delta, T* W_transposed, Matrix<T> dA, Team& team) {
    const Matrix<T> Wt{W_transposed, W.cols, W.rows, W.rows};
    team.slices(W.rows, static_cast<double>(W.cols), [&](std::size_t first, std::size_t count) noexcept {
        kernels<T>().transpose(W.slice(first, count), {Wt.data + first, Wt.rows, count, Wt.stride});
    });
    product<T>(as_it_lies(Delta), Wt, nullptr, dA, chains(W.cols, W.rows), team);
}

}  // namespace

template <class T>
void backward(const Network<T>& network, Matrix<const T> X, Workspace<T>& work, Matrix<T> dX, Team& team) {
    const Shape& shape = network.shape();
    const std::size_t n = X.rows;
    for (std::size_t layer = shape.n_layers(); layer-- > 0;) {
        const Matrix<const T> A = layer == 0 ? X : Matrix<const T>(work.A(layer - 1, n));
        const Matrix<const T> Delta = work.Delta(layer, n);
        weight_gradient<T>(A, Delta, shape.W(work.grad().data, layer), shape.b(work.grad().data, layer), team);
        if (layer == 0) break;
        const Matrix<T> Delta_below = work.Delta(layer - 1, n);
        input_gradient<T>(network.W(layer), Delta, work.W_transposed(), Delta_below, team);
        team.slices(n, static_cast<double>(A.cols), [&](std::size_t first, std::size_t count) noexcept {
            kernels<T>().through_activation(shape.activation(layer - 1), A.slice(first, count),
                                            Delta_below.slice(first, count));
        });
    }
    if (dX.data != nullptr) input_gradient<T>(network.W(0), work.Delta(0, n), work.W_transposed(), dX, team);
}

template void backward(const Network<float>&, Matrix<const float>, Workspace<float>&, Matrix<float>, Team&);
template void backward(const Network<double>&, Matrix<const double>, Workspace<double>&, Matrix<double>, Team&);

}  // namespace rosenblatt
