// Update: the step, spread over theta, after the gradient or together with it.
#include "model/update.hpp"

#include "kernels/table.hpp"
#include "model/product.hpp"

namespace rosenblatt {

template <class T>
void update(Network<T>& network, Vector<const T> grad, Optimizer<T>& optimizer, Team& team) noexcept {
    const SgdStep<T> step = optimizer.step();
    T* const theta = network.theta().data;
    T* const velocity = optimizer.velocity();
    constexpr double work_of_a_parameter = 4;  // it is memory that it waits for
    team.slices_to_the_end(grad.size, work_of_a_parameter, [&](std::size_t first, std::size_t count) noexcept {
        kernels<T>().sgd_step(step, grad.data + first, count, velocity == nullptr ? nullptr : velocity + first,
                              theta + first);
    });
}

template <class T>
void descend(Network<T>& network, Matrix<const T> X, Workspace<T>& work, Optimizer<T>& optimizer, Team& team) noexcept {
    const Shape& shape = network.shape();
    const SgdStep<T> step = optimizer.step();
    T* const velocity = optimizer.velocity();
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
        const Matrix<const T> Delta = work.Delta(layer, X.rows);
        const Product<T> dW = weight_gradient(work.A_in(layer, X), Delta);
        const Matrix<T> W = as_product_of(network.W(layer));
        const Matrix<T> vW = velocity == nullptr ? Matrix<T>{} : as_product_of(shape.W(velocity, layer));
        const Tiling tiling(dW);
        team.tiles_to_the_end(tiling.count(), [&](std::size_t i) noexcept {
            const Tile tile = tiling.tile(i);
            const Product<T> part = dW.part(tile);
            kernels<T>().multiply_descend(part.L, part.R, step, velocity == nullptr ? Matrix<T>{} : tile.of(vW),
                                          tile.of(W));
        });
        kernels<T>().sum_rows(Delta, work.db());
        kernels<T>().sgd_step(step, work.db(), Delta.cols,
                              velocity == nullptr ? nullptr : shape.b(velocity, layer).data, network.b(layer).data);
    }
}

template void update(Network<float>&, Vector<const float>, Optimizer<float>&, Team&) noexcept;
template void update(Network<double>&, Vector<const double>, Optimizer<double>&, Team&) noexcept;
template void descend(Network<float>&, Matrix<const float>, Workspace<float>&, Optimizer<float>&, Team&) noexcept;
template void descend(Network<double>&, Matrix<const double>, Workspace<double>&, Optimizer<double>&, Team&) noexcept;

}  // namespace rosenblatt
