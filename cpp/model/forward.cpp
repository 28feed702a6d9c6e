// Forward: layer by layer, and in slices of rows where only the output is wanted.
#include "model/forward.hpp"

#include <algorithm>

#include "kernels/table.hpp"
#include "model/product.hpp"

namespace rosenblatt {

template <class T>
void forward_layer(const Network<T>& network, std::size_t layer, Matrix<const T> A_in, Matrix<T> Z, Matrix<T> A,
                   Team& team) {
    const Matrix<const T> W = network.W(layer);
    product<T>(as_it_lies(A_in), W, network.b(layer).data, Z, chains(W.rows, W.cols), team);
    const Activation f = network.shape().activation(layer);
    constexpr double work_of_an_activation = 16;
    team.slices(Z.rows, work_of_an_activation * static_cast<double>(Z.cols),
                [&](std::size_t first, std::size_t count) noexcept {
                    kernels<T>().activate(f, Z.slice(first, count), A.slice(first, count));
                });
}

template <class T>
void forward(const Network<T>& network, Matrix<const T> X, ForwardWorkspace<T>& work, Team& team) {
    Matrix<const T> A = X;
    for (std::size_t layer = 0; layer < network.shape().n_layers(); ++layer) {
        forward_layer(network, layer, A, work.Z(layer, X.rows), work.A(layer, X.rows), team);
        A = work.A(layer, X.rows);
    }
}

template <class T>
void predict(const Network<T>& network, Matrix<const T> X, Matrix<T> A, Team& team) {
    constexpr std::size_t rows_at_once = 256;
    const std::size_t rows = std::min(X.rows, rows_at_once);
    const Shape& shape = network.shape();
    const std::size_t last = shape.n_layers() - 1;
    Buffer<T> even(rows * shape.widest_hidden());
    Buffer<T> odd(last > 1 ? rows * shape.widest_hidden() : 0);
    for (std::size_t first = 0; first < X.rows; first += rows) {
        const std::size_t n = std::min(rows, X.rows - first);
        Matrix<const T> A_in = X.slice(first, n);
        for (std::size_t layer = 0; layer <= last; ++layer) {
            const Matrix<T> A_out =
                layer == last ? A.slice(first, n) : (layer % 2 == 0 ? even : odd).matrix(n, shape.n_out(layer));
            forward_layer(network, layer, A_in, A_out, A_out, team);
            A_in = A_out;
        }
    }
}

template void forward_layer(const Network<float>&, std::size_t, Matrix<const float>, Matrix<float>, Matrix<float>,
                            Team&);
template void forward_layer(const Network<double>&, std::size_t, Matrix<const double>, Matrix<double>, Matrix<double>,
                            Team&);
template void forward(const Network<float>&, Matrix<const float>, ForwardWorkspace<float>&, Team&);
template void forward(const Network<double>&, Matrix<const double>, ForwardWorkspace<double>&, Team&);
template void predict(const Network<float>&, Matrix<const float>, Matrix<float>, Team&);
template void predict(const Network<double>&, Matrix<const double>, Matrix<double>, Team&);

}  // namespace rosenblatt
