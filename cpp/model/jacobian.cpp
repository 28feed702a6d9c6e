// Jacobian: a slice of samples goes forward once, and back once for each output.
#include "model/jacobian.hpp"

#include <algorithm>

#include "model/backward.hpp"
#include "model/forward.hpp"
#include "model/loss.hpp"
#include "model/workspace.hpp"

namespace rosenblatt {

template <class T>
void jacobian(const Network<T>& network, Matrix<const T> X, T* J, Team& team) {
    const Shape& shape = network.shape();
    const std::size_t n_outputs = shape.n_outputs();
    const std::size_t n_features = shape.n_features();
    Workspace<T> work(shape, std::min(X.rows, rows_at_once));
    Buffer<T> dC_dA(work.capacity() * n_outputs);
    for (std::size_t first = 0; first < X.rows; first += work.capacity()) {
        const std::size_t n = std::min(work.capacity(), X.rows - first);
        const Matrix<T> G = dC_dA.matrix(n, n_outputs);
        forward(network, work.as_batch(X.slice(first, n)), work, team);
        for (std::size_t j = 0; j < n_outputs; ++j) {  // C = a_j
            for (std::size_t i = 0; i < n; ++i) G.row(i)[j] = 1;
            output_delta<T>(network, G, work, team);
            for (std::size_t i = 0; i < n; ++i) G.row(i)[j] = 0;
            backpropagate(network, n, work, team);
            const Matrix<T> rows{J + (first * n_outputs + j) * n_features, n, n_features, n_outputs * n_features};
            input_gradients(network, work, rows, team);
        }
    }
}

template void jacobian(const Network<float>&, Matrix<const float>, float*, Team&);
template void jacobian(const Network<double>&, Matrix<const double>, double*, Team&);

}  // namespace rosenblatt
