// Loss: sample losses in any order on any thread, their sum in float64 in sample order.
#include "model/loss.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/table.hpp"
#include "model/forward.hpp"

namespace rosenblatt {

template <class T>
void share_of_samples(const Batch<T>& batch, Vector<T> scale) noexcept {
    const std::size_t n = batch.size();
    if (batch.weights == nullptr) {
        std::fill_n(scale.data, n, static_cast<T>(1.0 / static_cast<double>(n)));
        return;
    }
    const double total = batch.weight();
    for (std::size_t i = 0; i < n; ++i) scale[i] = static_cast<T>(batch.weights[i] / total);
}

namespace {

// The weighted sum of sample losses and the sum of the weights so far: additions in sample order.
class CostSum {
  public:
    template <class T>
    void add(const Batch<T>& batch, Vector<double> sample_loss) noexcept {
        for (std::size_t i = 0; i < batch.size(); ++i) {
            loss_ =
                batch.weights == nullptr ? loss_ + sample_loss[i] : std::fma(batch.weights[i], sample_loss[i], loss_);
            weight_ += batch.weights == nullptr ? 1.0 : batch.weights[i];
        }
    }

    double mean() const noexcept { return loss_ / weight_; }

  private:
    double loss_ = 0;
    double weight_ = 0;
};

// The loss of each sample, and delta if Delta.data is not null.
template <class T>
void sample_losses(LossRule rule, const Network<T>& network, const Batch<T>& batch, ForwardWorkspace<T>& work,
                   Matrix<T> Delta, Team& team) {
    const std::size_t last = network.shape().n_layers() - 1;
    const std::size_t n_outputs = network.shape().n_outputs();
    const Matrix<const T> Z = work.Z(last, batch.size()).columns(n_outputs);
    const Matrix<T> A = work.A(last, batch.size()).columns(n_outputs);
    const CustomActivation* const custom = network.shape().custom(last);  // what the kernel leaves to it
    if (custom != nullptr) custom->activate(Z, A);
    constexpr double work_of_an_output = 64;
    team.slices(batch.size(), work_of_an_output * static_cast<double>(A.cols),
                [&](std::size_t first, std::size_t count) noexcept {
                    kernels<T>().loss(rule, network.shape().output(), Z.slice(first, count),
                                      batch.Y.slice(first, count), work.scale().data + first, A.slice(first, count),
                                      work.sample_loss().data + first,
                                      Delta.data == nullptr ? Matrix<T>{} : Delta.slice(first, count));
                });
    if (custom != nullptr && Delta.data != nullptr) custom->backward(Z, Delta);
}

}  // namespace

template <class T>
double loss(LossRule rule, const Network<T>& network, const Batch<T>& batch, Workspace<T>& work, Team& team) {
    const std::size_t last = network.shape().n_layers() - 1;
    share_of_samples(batch, work.scale());
    sample_losses(rule, network, batch, work, work.Delta(last, batch.size()).columns(network.shape().n_outputs()),
                  team);
    CostSum sum;
    sum.add(batch, work.sample_loss());
    return sum.mean();
}

template <class T>
Matrix<const T> output_activations(const Network<T>& network, std::size_t n, ForwardWorkspace<T>& work, Team& team) {
    const std::size_t last = network.shape().n_layers() - 1;
    const Matrix<T> A = work.A(last, n).columns(network.shape().n_outputs());
    activate_layer<T>(network, last, work.Z(last, n), A, team);
    return A;
}

template <class T>
void sample_deltas(LossRule rule, const Network<T>& network, const Batch<T>& batch, Workspace<T>& work, Team& team) {
    const std::size_t last = network.shape().n_layers() - 1;
    std::fill_n(work.scale().data, batch.size(), T{1});
    sample_losses(rule, network, batch, work, work.Delta(last, batch.size()).columns(network.shape().n_outputs()),
                  team);
}

template <class T>
void output_delta(const Network<T>& network, Matrix<const T> dC_dA, Workspace<T>& work, Team& team) {
    const Shape& shape = network.shape();
    const std::size_t last = shape.n_layers() - 1;
    const Matrix<const T> Z = work.Z(last, dC_dA.rows).columns(shape.n_outputs());
    const Matrix<T> A = work.A(last, dC_dA.rows).columns(shape.n_outputs());
    const Matrix<const T> From = work.derivative_from(last, dC_dA.rows).columns(shape.n_outputs());
    const Matrix<T> Delta = work.Delta(last, dC_dA.rows).columns(shape.n_outputs());
    const CustomActivation* const custom = shape.custom(last);
    if (custom != nullptr) custom->activate(Z, A);
    constexpr double work_of_an_output = 32;
    team.slices(dC_dA.rows, work_of_an_output * static_cast<double>(A.cols),
                [&](std::size_t first, std::size_t count) noexcept {
                    kernels<T>().activate(shape.output(), Z.slice(first, count), A.slice(first, count));
                    for (std::size_t i = first; i < first + count; ++i)
                        std::copy_n(dC_dA.row(i), dC_dA.cols, Delta.row(i));
                    kernels<T>().activation_backward(shape.output(), From.slice(first, count),
                                                     Delta.slice(first, count));
                });
    if (custom != nullptr) custom->backward(From, Delta);
}

template <class T>
double cost(LossRule rule, const Network<T>& network, const Samples<T>& samples, ForwardWorkspace<T>& work,
            Team& team) {
    CostSum sum;
    for (std::size_t first = 0; first < samples.size(); first += work.capacity()) {
        const Samples<T> slice = samples.slice(first, std::min(work.capacity(), samples.size() - first));
        const Batch<T> batch{work.as_batch(slice), slice.Y, slice.weights};
        forward(network, batch.X, work, team);
        sample_losses(rule, network, batch, work, Matrix<T>{}, team);
        sum.add(batch, work.sample_loss());
    }
    return sum.mean();
}

template void share_of_samples(const Batch<float>&, Vector<float>) noexcept;
template void share_of_samples(const Batch<double>&, Vector<double>) noexcept;
template void sample_deltas(LossRule, const Network<float>&, const Batch<float>&, Workspace<float>&, Team&);
template void sample_deltas(LossRule, const Network<double>&, const Batch<double>&, Workspace<double>&, Team&);
template double loss(LossRule, const Network<float>&, const Batch<float>&, Workspace<float>&, Team&);
template double loss(LossRule, const Network<double>&, const Batch<double>&, Workspace<double>&, Team&);
template Matrix<const float> output_activations(const Network<float>&, std::size_t, ForwardWorkspace<float>&, Team&);
template Matrix<const double> output_activations(const Network<double>&, std::size_t, ForwardWorkspace<double>&, Team&);
template void output_delta(const Network<float>&, Matrix<const float>, Workspace<float>&, Team&);
template void output_delta(const Network<double>&, Matrix<const double>, Workspace<double>&, Team&);
template double cost(LossRule, const Network<float>&, const Samples<float>&, ForwardWorkspace<float>&, Team&);
template double cost(LossRule, const Network<double>&, const Samples<double>&, ForwardWorkspace<double>&, Team&);

}  // namespace rosenblatt
