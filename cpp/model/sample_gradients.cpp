// Sample gradients: forward and back through a slice of samples together, then the products of each by itself.
#include "model/sample_gradients.hpp"

#include <algorithm>

#include "kernels/table.hpp"
#include "model/backward.hpp"
#include "model/forward.hpp"
#include "model/loss.hpp"
#include "model/product.hpp"

namespace rosenblatt {

namespace {

// dW, db and dg of sample i, whose a and delta are in `work`: sums of a single term.
template <class T>
void gradient_of_sample(const Shape& shape, Scattered<const T> X, std::size_t i, Workspace<T>& work, T* grad) noexcept {
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
        const std::size_t n_out = shape.n_out(layer);
        const Scattered<const T> A = work.A_in(layer, X);
        const Scattered<const T> dU = work.dU_rows(layer, X.rows, n_out);
        const Product<T> dW = weight_gradient(A.part(i, 0, 1, A.cols), dU.part(i, 0, 1, n_out));
        kernels<T>().multiply({.L = dW.L, .R = dW.R}, {}, as_product_of(shape.W(grad, layer)));
        const Matrix<const T> delta = work.Delta(layer, X.rows).slice(i, 1);
        kernels<T>().sum_rows(delta, shape.b(grad, layer).data);
        if (shape.normalises(layer))
            kernels<T>().sum_row_products(delta, work.normalised().U(layer, X.rows).slice(i, 1),
                                          shape.g(grad, layer).data);
    }
}

}  // namespace

template <class T>
void sample_gradients(LossRule rule, const Network<T>& network, const Samples<T>& samples, Matrix<T> grads,
                      Team& team) {
    const Shape& shape = network.shape();
    Workspace<T> work(shape, std::min(samples.size(), rows_at_once));
    for (std::size_t first = 0; first < samples.size(); first += work.capacity()) {
        const Samples<T> slice = samples.slice(first, std::min(work.capacity(), samples.size() - first));
        const Batch<T> batch{work.as_batch(slice.X), slice.Y, nullptr};
        forward(network, batch.X, work, team);
        sample_deltas(rule, network, batch, work, team);
        backpropagate(network, batch.size(), work, team);
        team.slices(batch.size(), static_cast<double>(shape.n_params()),
                    [&](std::size_t begin, std::size_t count) noexcept {
                        for (std::size_t i = begin; i < begin + count; ++i)
                            gradient_of_sample(shape, batch.X, i, work, grads.row(first + i));
                    });
    }
}

template void sample_gradients(LossRule, const Network<float>&, const Samples<float>&, Matrix<float>, Team&);
template void sample_gradients(LossRule, const Network<double>&, const Samples<double>&, Matrix<double>, Team&);

}  // namespace rosenblatt
