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
void descend(Network<T>& network, Scattered<const T> X, Workspace<T>& work, Optimizer<T>& optimizer, Ahead<T> ahead,
             Team& team) {
    const Shape& shape = network.shape();
    const SgdStep<T> step = optimizer.step();
    T* const velocity = optimizer.velocity();
    const auto gradient = [&](std::size_t layer) noexcept {
        return weight_gradient(work.A_in(layer, X), work.Delta_rows(layer, X.rows, shape.columns(layer)));
    };
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {  // what may fail comes before the first change
        const Product<T> dW = gradient(layer);
        const Tiling tiling(dW, team);
        team.reserve<T>(tiling.count(), Blocks(dW.part(tiling.tile(0)), true).template space<T>());
    }
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
        const Matrix<const T> Delta = work.Delta(layer, X.rows);
        const Product<T> dW = gradient(layer);
        const Panels<T> W = as_product_of(network.W(layer));
        const Panels<T> vW = velocity == nullptr ? Panels<T>{} : as_product_of(shape.W(velocity, layer));
        const Tiling tiling(dW, team);
        const Blocks blocks(dW.part(tiling.tile(0)), true);
        const Ahead<T> rows = layer == 0 ? ahead : Ahead<T>{};
        team.tiles_with_space_to_the_end<T>(tiling.count(), blocks.space<T>(), [&](std::size_t i, T* space) noexcept {
            const Tile tile = tiling.tile(i);
            const auto step_of = [&](const Factors<T>& LR, Start<T>, Tile block) noexcept {
                kernels<T>().multiply_descend(LR, step, velocity == nullptr ? Panels<T>{} : block.of(tile.of(vW)),
                                              block.of(tile.of(W)));
            };
            in_blocks<T>(dW.part(tile), blocks, nullptr, rows.part(i, tiling.count()), space, step_of, step_of);
        });
        kernels<T>().sum_rows(Delta, work.db());
        kernels<T>().sgd_step(step, work.db(), Delta.cols,
                              velocity == nullptr ? nullptr : shape.b(velocity, layer).data, network.b(layer).data);
    }
}

template void update(Network<float>&, Vector<const float>, Optimizer<float>&, Team&) noexcept;
template void update(Network<double>&, Vector<const double>, Optimizer<double>&, Team&) noexcept;
template void descend(Network<float>&, Scattered<const float>, Workspace<float>&, Optimizer<float>&, Ahead<float>,
                      Team&);
template void descend(Network<double>&, Scattered<const double>, Workspace<double>&, Optimizer<double>&, Ahead<double>,
                      Team&);

}  // namespace rosenblatt
