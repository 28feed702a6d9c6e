// Hessian times a vector: the training step without its update, each quantity with its derivative along the
// direction.
#include "model/hessian.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/table.hpp"
#include "model/backward.hpp"
#include "model/forward.hpp"
#include "model/loss.hpp"
#include "model/normalisation_along.hpp"
#include "model/product.hpp"

namespace rosenblatt {

namespace {

// M += N, both (rows, cols).
template <class T>
void add(Matrix<const T> N, Matrix<T> M) noexcept {
    for (std::size_t i = 0; i < M.rows; ++i)
        for (std::size_t j = 0; j < M.cols; ++j) M.row(i)[j] += N.row(i)[j];
}

template <class T>
void copy(Matrix<const T> from, Matrix<T> to) noexcept {
    for (std::size_t i = 0; i < to.rows; ++i) std::copy_n(from.row(i), to.cols, to.row(i));
}

// R_A = R{a} = f'(z) R{z}. All (n, n_out).
template <class T>
void activation_along(Activation f, Matrix<const T> Z, Matrix<const T> A, Matrix<const T> R_Z, Matrix<T> R_A) noexcept {
    copy<T>(R_Z, R_A);
    if (f != Activation::log_softmax) {  // da/dz is symmetric
        kernels<T>().activation_backward(f, derivative_from_z(f) ? Z : A, R_A);
        return;
    }
    for (std::size_t i = 0; i < R_A.rows; ++i) {
        T mean = 0;
        for (std::size_t j = 0; j < R_A.cols; ++j) {
            T p;
            kernels<T>().exp(A.row(i) + j, 1, &p);
            mean = std::fma(p, R_Z.row(i)[j], mean);
        }
        for (std::size_t j = 0; j < R_A.cols; ++j) R_A.row(i)[j] -= mean;
    }
}

// R_Delta = R{delta} = f'(z) R{g} + g R{f'(z)} from R_Delta = R{g}, with G = g = dC/da. All (n, n_out).
template <class T>
void delta_along(Activation f, const LayerAlong<T>& layer, Matrix<const T> G, Matrix<T> R_Delta) noexcept {
    const bool from_z = derivative_from_z(f);
    kernels<T>().activation_backward(f, from_z ? layer.Z : layer.A, R_Delta);
    kernels<T>().add_slope_along(f, from_z ? layer.Z : layer.A, from_z ? layer.R_Z : layer.R_A, G, R_Delta);
}

// The pass and what it computes into: a and delta of every layer in one workspace, R{a} and R{delta} in another.
template <class T>
class Pass {
  public:
    Pass(const Network<T>& network, const Network<T>& direction, const Samples<T>& samples, Team& team)
        : network_(network),
          direction_(direction),
          shape_(network.shape()),
          n_(samples.size()),
          last_(shape_.n_layers() - 1),
          team_(team),
          work_(shape_, n_),
          along_(shape_, n_),
          batch_{work_.as_batch(samples.X), samples.Y, samples.weights},
          second_term_(n_, std::max(shape_.widest_output(), shape_.n_features())) {
        for (std::size_t layer = 0; layer <= last_; ++layer) {
            Z_.emplace_back(n_, shape_.n_out(layer));
            R_Z_.emplace_back(n_, shape_.n_out(layer));
            G_.emplace_back(n_, shape_.n_out(layer));
            const auto rows_if = [&](bool expected) { return expected ? Rows<T>(n_, shape_.n_out(layer)) : Rows<T>(); };
            F_.push_back(rows_if(shape_.skips(layer)));
            R_F_.push_back(rows_if(shape_.skips(layer)));
            R_G_.push_back(rows_if(shape_.skips(layer)));
        }
    }

    // R{z} = V a + c + W R{a}, R{a} = f'(z) R{z}, with v = (V, c); with a norm R{u} = V a + W R{a}.
    void forward() {
        for (std::size_t layer = 0; layer <= last_; ++layer) {
            const Scattered<const T> A_in = work_.A_in(layer, batch_.X);
            if (shape_.normalises(layer)) {
                forward_normalised(layer, A_in);
            } else {
                forward_layer(network_, layer, A_in, Z(layer), team_);
                forward_layer(direction_, layer, A_in, R_Z(layer), team_);
                if (layer > 0) add_weighted(layer, R_Z(layer));
            }
            activate_layer<T>(network_, layer, Z(layer), F(layer), team_);
            rows([&](std::size_t first, std::size_t count) noexcept {
                activation_along<T>(f(layer), Z(layer).slice(first, count), F(layer).slice(first, count),
                                    R_Z(layer).slice(first, count), R_F(layer).slice(first, count));
            });
            if (shape_.skips(layer)) skip_along(layer);
        }
    }

    // delta and R{delta} of the output.
    void loss(LossRule rule) {
        share_of_samples(batch_, work_.scale());
        rows([&](std::size_t first, std::size_t count) noexcept {
            const LayerAlong<T> output = layer_along(last_).slice(first, count);
            const Matrix<T> A = work_.A(last_, n_).slice(first, count);
            const Matrix<T> R_Delta = along_.Delta(last_, n_).slice(first, count);
            const Matrix<T> G = G_[last_].first(n_).slice(first, count);
            const Targets<T> Y = batch_.Y.slice(first, count);
            const T* const scale = work_.scale().data + first;
            double* const c = work_.sample_loss().data + first;
            kernels<T>().loss(rule, f(last_), output.Z, Y, scale, A, c, work_.Delta(last_, n_).slice(first, count));
            kernels<T>().loss_slopes_along(rule, f(last_), output, Y, scale, R_Delta);
            if (slopes_by_z(rule.loss)) return;
            kernels<T>().loss(rule, Activation::identity, A, Y, scale, A, c, G);  // of an identity delta is dC/da
            delta_along<T>(f(last_), output, G, R_Delta);
        });
    }

    // G = W^T delta, R{G} = W^T R{delta} + V^T delta; delta = f'(z) G, R{delta} from both, of every hidden layer.
    void backward() {
        for (std::size_t layer = last_; layer > 0; --layer) {
            const Matrix<T> G = G_[layer - 1].first(n_);
            const Matrix<T> R_Delta = along_.Delta(layer - 1, n_);
            const Matrix<T> second = second_term_.first(n_).columns(G.cols);
            weights_backward(network_, layer, work_, G, team_);
            weights_backward(network_, layer, along_, R_Delta, team_);
            weights_backward(direction_, layer, work_, second, team_);
            if (shape_.skips(layer)) add<T>(G_[layer].first(n_), G);
            rows([&](std::size_t first, std::size_t count) noexcept {
                const Matrix<T> Delta = work_.Delta(layer - 1, n_).slice(first, count);
                const LayerAlong<T> at = layer_along(layer - 1).slice(first, count);
                copy<T>(G.slice(first, count), Delta);
                kernels<T>().activation_backward(f(layer - 1), derivative_from_z(f(layer - 1)) ? at.Z : at.A, Delta);
                add<T>(second.slice(first, count), R_Delta.slice(first, count));
                if (shape_.skips(layer)) add<T>(R_G_[layer].first(n_).slice(first, count), R_Delta.slice(first, count));
                if (shape_.skips(layer - 1))
                    copy<T>(R_Delta.slice(first, count), R_G_[layer - 1].first(n_).slice(first, count));
                delta_along<T>(f(layer - 1), at, G.slice(first, count), R_Delta.slice(first, count));
            });
            if (shape_.normalises(layer - 1)) normalised_backward(layer - 1);
        }
    }

    // R{dW} = R{delta} a^T + delta R{a}^T, R{db} = R{delta}, summed over the samples in order.
    void gradient(Vector<T> product) {
        Buffer<T> second(product.size);
        for (std::size_t layer = 0; layer <= last_; ++layer) {
            const std::size_t n_out = shape_.n_out(layer);
            multiply<T>(weight_gradient(work_.A_in(layer, batch_.X), along_.dU_rows(layer, n_, n_out)), nullptr,
                        as_product_of(shape_.W(product.data, layer)), Chains::single, team_);
            kernels<T>().sum_rows(along_.Delta(layer, n_), shape_.b(product.data, layer).data);
            if (shape_.normalises(layer))
                gradient_of_gains(layer, shape_.g(product.data, layer), shape_.g(second.data(), layer));
            if (layer == 0) continue;
            const Panels<T> W = shape_.W(second.data(), layer);
            multiply<T>(weight_gradient(along_.A_in(layer, batch_.X), work_.dU_rows(layer, n_, n_out)), nullptr,
                        as_product_of(W), Chains::single, team_);
            const auto as_matrix = [](Panels<T> m) { return Matrix<T>{m.data, m.rows, m.cols, m.cols}; };
            add<T>(as_matrix(W), as_matrix(shape_.W(product.data, layer)));
        }
    }

  private:
    Matrix<T> Z(std::size_t layer) noexcept { return Z_[layer].first(n_); }
    Matrix<T> R_Z(std::size_t layer) noexcept { return R_Z_[layer].first(n_); }
    Activation f(std::size_t layer) const noexcept { return shape_.activation(layer); }

    LayerAlong<T> layer_along(std::size_t layer) noexcept { return {Z(layer), F(layer), R_Z(layer), R_F(layer)}; }

    // f(z) and its derivative, which are a and R{a} but in layers that skip.
    Matrix<T> F(std::size_t layer) noexcept { return shape_.skips(layer) ? F_[layer].first(n_) : work_.A(layer, n_); }
    Matrix<T> R_F(std::size_t layer) noexcept {
        return shape_.skips(layer) ? R_F_[layer].first(n_) : along_.A(layer, n_);
    }

    // a = f(z) + the input, and R{a} the same; R{X} is 0.
    void skip_along(std::size_t layer) {
        copy<T>(F(layer), work_.A(layer, n_));
        copy<T>(R_F(layer), along_.A(layer, n_));
        skip(work_.A_in(layer, batch_.X), work_.A(layer, n_), team_);
        if (layer > 0) skip(along_.A_in(layer, batch_.X), along_.A(layer, n_), team_);
    }

    // z and R{z} of a layer with a norm.
    void forward_normalised(std::size_t layer, Scattered<const T> A_in) {
        const Matrix<T> U = work_.normalised().U(layer, n_);
        const Matrix<T> R_U = along_.normalised().U(layer, n_);
        weighted_sums<T>(network_, layer, A_in, nullptr, U, team_);
        weighted_sums<T>(direction_, layer, A_in, nullptr, R_U, team_);
        if (layer > 0) add_weighted(layer, R_U);
        normalise(network_, layer, work_.normalised(), Z(layer), team_);
        normalise_along(network_, direction_, layer, work_.normalised(), along_.normalised(), R_Z(layer));
    }

    // dC/du and R{dC/du} of it.
    void normalised_backward(std::size_t layer) {
        const Matrix<const T> Delta = work_.Delta(layer, n_);
        norm_backward<T>(network_, layer, work_.normalised(), Delta, work_.dU(layer, n_), team_);
        norm_backward_along<T>(network_, direction_, layer, work_.normalised(), along_.normalised(), Delta,
                               along_.Delta(layer, n_), along_.dU(layer, n_));
    }

    // R{dg} = sum of R{delta} u_hat + sum of delta R{u_hat}, (n_out,); `second` is scratch.
    void gradient_of_gains(std::size_t layer, Vector<T> R_dg, Vector<T> second) noexcept {
        kernels<T>().sum_row_products(along_.Delta(layer, n_), work_.normalised().U(layer, n_), R_dg.data);
        kernels<T>().sum_row_products(work_.Delta(layer, n_), along_.normalised().U(layer, n_), second.data);
        for (std::size_t j = 0; j < R_dg.size; ++j) R_dg[j] += second[j];
    }

    // R_Z += W R{a}.
    void add_weighted(std::size_t layer, Matrix<T> R_Z) {
        const Matrix<T> second = second_term_.first(n_).columns(R_Z.cols);
        weighted_sums<T>(network_, layer, along_.A_in(layer, batch_.X), nullptr, second, team_);
        add<T>(second, R_Z);
    }

    // f(first, count) for slices of the samples.
    template <class F>
    void rows(F of_slice) {
        constexpr double work_of_a_unit = 64;
        team_.slices(n_, work_of_a_unit * static_cast<double>(shape_.widest_output()), of_slice);
    }

    const Network<T>& network_;
    const Network<T>& direction_;
    const Shape& shape_;
    std::size_t n_;
    std::size_t last_;
    Team& team_;
    Workspace<T> work_;
    Workspace<T> along_;
    Batch<T> batch_;
    Rows<T> second_term_;
    std::vector<Rows<T>> Z_;
    std::vector<Rows<T>> R_Z_;
    std::vector<Rows<T>> G_;  // dC/da
    std::vector<Rows<T>> F_;  // of layers that skip
    std::vector<Rows<T>> R_F_;
    std::vector<Rows<T>> R_G_;
};

}  // namespace

template <class T>
void hessian_vector_product(LossRule rule, const Network<T>& network, const Samples<T>& samples,
                            const Network<T>& direction, Vector<T> product, Team& team) {
    Pass<T> pass(network, direction, samples, team);
    pass.forward();
    pass.loss(rule);
    pass.backward();
    pass.gradient(product);
}

template void hessian_vector_product(LossRule, const Network<float>&, const Samples<float>&, const Network<float>&,
                                     Vector<float>, Team&);
template void hessian_vector_product(LossRule, const Network<double>&, const Samples<double>&, const Network<double>&,
                                     Vector<double>, Team&);

}  // namespace rosenblatt
