// Gradient step: the gradient is stored only if the update cannot be fused with its computation.
#include "model/gradient_step.hpp"

#include "model/backward.hpp"

namespace rosenblatt {

template <class T>
GradientStep<T>::GradientStep(const Shape& shape, LossRule rule, CustomCost<T>* custom,
                              const OptimizerSettings& optimizer, std::size_t capacity, bool gradient_norm)
    : objective_(rule, custom, shape, capacity),
      work_(shape, capacity),
      optimizer_(optimizer, shape),
      norm_scratch_(gradient_norm ? shape.widest_output() : 0) {
    work_.normalised().use_batch_statistics();
}

template <class T>
void GradientStep<T>::reserve(const Shape& shape, const std::vector<double>& dropout, std::uint64_t seed,
                              bool is_sparse) {
    if (!dropout.empty()) work_.dropout() = Dropout<T>(dropout, shape, work_.capacity(), seed, is_sparse);
    if (grad_.size() == 0 && !is_fused(shape, work_.capacity(), is_sparse)) grad_ = Buffer<T>(shape.n_params());
}

template <class T>
double GradientStep<T>::cost_and_gradient(const Network<T>& network, const Batch<T>& batch, double factor, Team& team) {
    const Shape& shape = network.shape();
    const double C = objective_.cost_and_delta(network, batch, work_, team);
    if (!std::isfinite(C)) return C;
    if (factor != 1) {
        const Matrix<T> Delta = work_.Delta(shape.n_layers() - 1, batch.size());
        for (std::size_t i = 0; i < Delta.rows; ++i)
            for (std::size_t j = 0; j < Delta.cols; ++j) Delta.row(i)[j] *= static_cast<T>(factor);
    }
    backpropagate(network, batch.size(), work_, team);  // delta of every layer
    if (is_fused(shape, batch.size(), batch.is_sparse())) return C;
    weight_gradients(network, batch.X, work_, grad_.view(), team);  // dW, db of every layer
    if (norm_scratch_.size() != 0) gradient_norm_ = norm<T>(shape, grad_.data(), norm_scratch_.data(), team);
    return C;
}

template <class T>
void GradientStep<T>::update(Network<T>& network, const Batch<T>& batch, Prefetch<T> next, Team& team) {
    if (is_fused(network.shape(), batch.size(), batch.is_sparse()))
        update_fused(network, batch.X, work_, optimizer_, next, team);
    else rosenblatt::update(network, grad_.view(), optimizer_, team);
    if (network.shape().has_batch_norm()) follow_batch(network, work_.normalised(), batch.size());
}

template class GradientStep<float>;
template class GradientStep<double>;

}  // namespace rosenblatt
