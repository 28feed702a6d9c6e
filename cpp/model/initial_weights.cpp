// Initial weights: uniform, normal or orthogonal numbers, of a size that keeps z about as large from layer to layer;
// and initial biases, within the bound of PyTorch's Linear. Sources: LeCun, Bottou, Orr, Mueller, Neural Networks:
// Tricks of the Trade, 1998; Glorot, Bengio, AISTATS 2010; He, Zhang, Ren, Sun, ICCV 2015; Saxe, McClelland, Ganguli,
// ICLR 2014 (orthogonal).
#include "model/initial_weights.hpp"

#include <algorithm>
#include <cmath>

#include "base/buffer.hpp"
#include "kernels/table.hpp"

namespace rosenblatt {

namespace {

constexpr double work_of_a_number = 30;  // to draw one, in multiply-adds

// Uniform in (-limit, limit). Weight (k, j) has the random number of index k n_out + j.
template <class T>
void draw_uniform(double limit, RandomStream random, Panels<T> W, Team& team) {
    team.in_order(W.rows * W.cols, work_of_a_number, [&](std::size_t first, std::size_t count) noexcept {
        std::size_t k = first / W.cols;
        std::size_t j = first % W.cols;
        for (std::size_t index = first; index < first + count; ++index) {
            *W.at(k, j) = static_cast<T>((random.uniform(index) * 2 - 1) * limit);
            if (++j == W.cols) {
                j = 0;
                ++k;
            }
        }
    });
}

// put(index, x) for every index < n, with x standard normal: the indices 2 i and 2 i + 1 share a radius and an angle.
// Source: Box, Muller, Ann. Math. Statist. 29, 1958.
template <class F>
void standard_normal(RandomStream random, std::size_t n, F put, Team& team) {
    constexpr double two_pi = 6.283185307179586;
    constexpr std::size_t at_once = 64;  // pairs
    double left[at_once] = {};
    double angle[at_once] = {};
    double logarithm[at_once];
    double cosine[at_once];
    double sine[at_once];
    const Kernels<double>& k = kernels<double>();
    const auto draw_block = [&](std::size_t first) noexcept {
        const std::size_t pairs = std::min(at_once, (n + 1) / 2 - first);
        for (std::size_t i = 0; i < pairs; ++i) {
            left[i] = 1 - random.uniform(2 * (first + i));
            angle[i] = two_pi * random.uniform(2 * (first + i) + 1);
        }
        k.log(left, pairs, logarithm);
        k.cos(angle, pairs, cosine);
        k.sin(angle, pairs, sine);
        for (std::size_t i = 0; i < pairs; ++i) {
            const double radius = std::sqrt(-2 * logarithm[i]);
            const std::size_t index = 2 * (first + i);
            put(index, radius * cosine[i]);
            if (index + 1 < n) put(index + 1, radius * sine[i]);
        }
    };
    const std::size_t n_blocks = ((n + 1) / 2 + at_once - 1) / at_once;
    team.in_order(n_blocks, 2 * at_once * work_of_a_number, [&](std::size_t first, std::size_t count) noexcept {
        for (std::size_t block = first; block < first + count; ++block) draw_block(block * at_once);
    });
}

template <class T>
void draw_normal(double deviation, RandomStream random, Panels<T> W, Team& team) {
    const auto put = [&](std::size_t index, double x) noexcept {
        *W.at(index / W.cols, index % W.cols) = static_cast<T>(x * deviation);
    };
    standard_normal(random, W.rows * W.cols, put, team);
}

// The rows of V (n, m), n <= m, become orthonormal, one after the other: modified Gram-Schmidt, which keeps their
// directions uniform on the sphere when they were. Each sum is one chain. Room: `rows` (n,), `along` (n,).
void orthonormalise(Matrix<double> V, const double** rows, double* along, Team& team) {
    const Kernels<double>& k = kernels<double>();
    // along[j] = v_j q for `count` rows j from `first` on.
    const auto project = [&](std::size_t first, std::size_t count, const double* q) noexcept {
        const Scattered<const double> L{rows + first, count, V.cols, 0, V.stride};
        const Panels<const double> R{q, V.cols, 1, 1, panel_cols<double>};
        k.multiply({{L}, {R}}, {}, Panels<double>{along + first, L.rows, 1, 1, panel_cols<double>});
    };
    for (std::size_t i = 0; i < V.rows; ++i) rows[i] = V.row(i);
    for (std::size_t i = 0; i < V.rows; ++i) {
        double* const q = V.row(i);
        const std::size_t others = V.rows - i - 1;
        team.alone(2 * static_cast<double>(others + 1) * static_cast<double>(V.cols), [&]() noexcept {
            project(i, 1, q);
            const double length = std::sqrt(along[i]);
            for (std::size_t t = 0; t < V.cols; ++t) q[t] = q[t] / length;
            project(i + 1, others, q);
            for (std::size_t j = i + 1; j < V.rows; ++j)
                k.axpy(-along[j], q, V.cols, V.row(j));  // v_j := v_j - (v_j q) q
        });
        team.throw_if_stopped();
    }
}

// gain times a matrix with orthonormal columns, or orthonormal rows if there are fewer of them.
template <class T>
void draw_orthogonal(double gain, RandomStream random, Panels<T> W, Team& team) {
    const bool by_outputs = W.cols <= W.rows;
    const std::size_t n = by_outputs ? W.cols : W.rows;
    const std::size_t m = by_outputs ? W.rows : W.cols;
    Buffer<double> numbers(n * m);
    Buffer<const double*> rows(n);
    Buffer<double> along(n);
    const Matrix<double> V = numbers.matrix(n, m);
    const auto in_V = [&](std::size_t k, std::size_t j) noexcept -> double& {
        return by_outputs ? V.row(j)[k] : V.row(k)[j];
    };
    const auto put = [&](std::size_t index, double x) noexcept { in_V(index / W.cols, index % W.cols) = x; };
    standard_normal(random, n * m, put, team);
    orthonormalise(V, rows.data(), along.data(), team);
    team.in_order(W.rows, static_cast<double>(W.cols), [&](std::size_t first, std::size_t count) noexcept {
        for (std::size_t k = first; k < first + count; ++k)
            for (std::size_t j = 0; j < W.cols; ++j) *W.at(k, j) = static_cast<T>(in_V(k, j) * gain);
    });
}

}  // namespace

Initialiser initialiser_for(Activation f) noexcept {
    switch (f) {
#define ROSENBLATT_ACTIVATION(name, from, takes, initialiser) \
    case Activation::name:                                    \
        return Initialiser::initialiser;
#include "kernels/activations.def"
        case Activation::custom:
            return Initialiser::glorot_uniform;
    }
    __builtin_unreachable();
}

template <class T>
void draw(InitialWeights weights, Activation f, RandomStream random, Panels<T> W, Team& team) {
    const auto n_in = static_cast<double>(W.rows);
    const auto n_both = static_cast<double>(W.rows + W.cols);
    switch (weights.initialiser) {
        case Initialiser::automatic:
            return draw({initialiser_for(f)}, f, random, W, team);
        case Initialiser::glorot_uniform:
            return draw_uniform(std::sqrt(6.0 / n_both), random, W, team);
        case Initialiser::glorot_normal:
            return draw_normal(std::sqrt(2.0 / n_both), random, W, team);
        case Initialiser::he_uniform:
            return draw_uniform(std::sqrt(6.0 / n_in), random, W, team);
        case Initialiser::he_normal:
            return draw_normal(std::sqrt(2.0 / n_in), random, W, team);
        case Initialiser::lecun_uniform:
            return draw_uniform(std::sqrt(3.0 / n_in), random, W, team);
        case Initialiser::lecun_normal:
            return draw_normal(std::sqrt(1.0 / n_in), random, W, team);
        case Initialiser::uniform:
            return draw_uniform(weights.parameter, random, W, team);
        case Initialiser::normal:
            return draw_normal(weights.parameter, random, W, team);
        case Initialiser::orthogonal:
            return draw_orthogonal(weights.parameter, random, W, team);
        case Initialiser::zeros:
            return;
    }
}

template <class T>
void draw_uniform_biases(std::size_t n_in, RandomStream random, Vector<T> b, Team& team) {
    const Panels<T> row = in_panels(Matrix<T>{b.data, 1, b.size, b.size});
    draw_uniform(std::sqrt(1.0 / static_cast<double>(n_in)), random, row, team);
}

template void draw(InitialWeights, Activation, RandomStream, Panels<float>, Team&);
template void draw(InitialWeights, Activation, RandomStream, Panels<double>, Team&);
template void draw_uniform_biases(std::size_t, RandomStream, Vector<float>, Team&);
template void draw_uniform_biases(std::size_t, RandomStream, Vector<double>, Team&);

}  // namespace rosenblatt
