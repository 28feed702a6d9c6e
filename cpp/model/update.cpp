// Update: the step, spread over theta.
#include "model/update.hpp"

#include "kernels/table.hpp"

namespace rosenblatt {

template <class T>
void update(Network<T>& network, Vector<const T> grad, Optimizer<T>& optimizer, Team& team) noexcept {
    const SgdStep<T> step{static_cast<T>(optimizer.rule().learning_rate), static_cast<T>(optimizer.rule().momentum),
                          optimizer.rule().nesterov};
    T* const theta = network.theta().data;
    T* const velocity = optimizer.velocity();
    constexpr double work_of_a_parameter = 4;  // it is memory that it waits for
    team.slices_to_the_end(grad.size, work_of_a_parameter, [&](std::size_t first, std::size_t count) noexcept {
        kernels<T>().sgd_step(step, grad.data + first, count, velocity == nullptr ? nullptr : velocity + first,
                              theta + first);
    });
}

template void update(Network<float>&, Vector<const float>, Optimizer<float>&, Team&) noexcept;
template void update(Network<double>&, Vector<const double>, Optimizer<double>&, Team&) noexcept;

}  // namespace rosenblatt
