// Forward: layer by layer, or in slices of rows if only the output is needed.
#include "model/forward.hpp"

#include <algorithm>
#include <array>

#include "kernels/table.hpp"
#include "model/product.hpp"
#include "model/rows.hpp"
#include "model/sparse_products.hpp"

namespace rosenblatt {

namespace {

// W of a layer for results of n columns: with the filling, or without.
template <class T>
Panels<const T> weights(const Network<T>& network, std::size_t layer, std::size_t columns) noexcept {
    const Panels<const T> W = network.W(layer);
    return {W.data, W.rows, columns, W.row_stride, W.panel_stride};
}

}  // namespace

template <class T>
void weighted_sums(const Network<T>& network, std::size_t layer, Scattered<const T> A_in, const T* init, Matrix<T> Z,
                   Team& team) {
    if (A_in.sparse != nullptr) return forward_sparse(network, layer, A_in, init, Z, team);
    const std::size_t n_out = network.shape().n_out(layer);
    const Chains form = chains(network.shape().n_in(layer), n_out);
    // Filled up to whole registers, except for interleaved sums, whose registers run along the terms.
    const std::size_t columns = form == Chains::sixteen ? n_out : Z.cols;
    multiply<T>({{A_in}, {weights(network, layer, columns)}}, init, in_panels(Z.columns(columns)), form, team);
}

template <class T>
void forward_layer(const Network<T>& network, std::size_t layer, Scattered<const T> A_in, Matrix<T> Z, Team& team) {
    if (network.shape().normalises(layer)) {
        weighted_sums<T>(network, layer, A_in, nullptr, Z, team);
        normalise(network, layer, Z, team);
    } else {
        weighted_sums(network, layer, A_in, network.b(layer).data, Z, team);
    }
}

template <class T>
void activate_layer(const Network<T>& network, std::size_t layer, Matrix<const T> Z, Matrix<T> A, Team& team) {
    const std::size_t n_out = network.shape().n_out(layer);
    if (const CustomActivation* const custom = network.shape().custom(layer))
        return custom->activate(Z.columns(n_out), A.columns(n_out));
    constexpr double work_of_an_activation = 16;
    team.slices(Z.rows, work_of_an_activation * static_cast<double>(n_out),
                [&](std::size_t first, std::size_t count) noexcept {
                    kernels<T>().activate(network.shape().activation(layer), Z.slice(first, count).columns(n_out),
                                          A.slice(first, count).columns(n_out));
                });
}

namespace {

// to (n,) += sparse row i. Missing elements add 0, in column order, as a dense row would.
template <class T>
void add_sparse(const SparseRows<const T>& from, std::size_t i, std::size_t n, T* to) noexcept {
    std::size_t t = 0;
    for (std::size_t j = 0; j < n; ++j) {
        const bool is_nonzero = t < from.count[i] && static_cast<std::size_t>(from.column[i][t]) == j;
        to[j] += is_nonzero ? from.value[i][t++] : T{0};
    }
}

}  // namespace

template <class T>
void skip(Scattered<const T> A_in, Matrix<T> A, Team& team) {
    team.slices(A.rows, static_cast<double>(A_in.cols), [&](std::size_t first, std::size_t count) noexcept {
        for (std::size_t i = first; i < first + count; ++i) {
            T* const to = A.row(i);
            if (A_in.sparse != nullptr) {
                add_sparse(*A_in.sparse, i, A_in.cols, to);
                continue;
            }
            const T* const from = A_in.row[i] + A_in.first;
            for (std::size_t j = 0; j < A_in.cols; ++j) to[j] += from[j];
        }
    });
}

namespace {

// A = f(z) for an elementwise f, applied to each tile while it is in the nearest cache.
template <class T>
void forward_and_activate(const Network<T>& network, std::size_t layer, Scattered<const T> A_in, Matrix<T> A,
                          Team& team) {
    const Panels<const T> W = weights(network, layer, A.cols);
    const Activation f = network.shape().activation(layer);
    if (A_in.sparse != nullptr || acts_on_rows(f) || network.shape().normalises(layer) ||
        chains(W.rows, network.shape().n_out(layer)) == Chains::sixteen) {
        forward_layer(network, layer, A_in, A, team);
        activate_layer<T>(network, layer, A, A, team);
        return;
    }
    multiply<T>({{A_in}, {W}}, network.b(layer).data, in_panels(A), Prefetch<T>{}, team,
                [&](const Operands<T>& LR, Init<T> init, Tile tile) noexcept {
                    kernels<T>().multiply_activate(LR, init, f, tile.of(in_panels(A)));
                });
}

// a of a hidden layer with a norm or a skip, and what its backward step needs.
template <class T>
void forward_unfused(const Network<T>& network, std::size_t layer, Scattered<const T> A_in, ForwardWorkspace<T>& work,
                     Team& team) {
    const std::size_t n = A_in.rows;
    const Matrix<T> F = work.F(layer, n);
    const Matrix<T> Z = derivative_from_z(network.shape().activation(layer)) ? work.Z(layer, n) : F;
    if (network.shape().normalises(layer)) {
        weighted_sums<T>(network, layer, A_in, nullptr, work.normalised().U(layer, n), team);
        normalise(network, layer, work.normalised(), Z, team);
        activate_layer<T>(network, layer, Z, F, team);
    } else if (Z.data == F.data) {
        forward_and_activate(network, layer, A_in, F, team);
    } else {
        forward_layer(network, layer, A_in, Z, team);
        activate_layer<T>(network, layer, Z, F, team);
    }
    if (!network.shape().skips(layer)) return;
    const Matrix<T> A = work.A(layer, n);
    if (A.data != F.data)
        for (std::size_t i = 0; i < n; ++i) std::copy_n(F.row(i), F.cols, A.row(i));
    skip(A_in, A, team);
}

}  // namespace

template <class T>
void forward(const Network<T>& network, Scattered<const T> X, ForwardWorkspace<T>& work, Team& team) {
    const std::size_t last = network.shape().n_layers() - 1;
    const auto drop = [&](std::size_t layer) {
        if (work.dropout().applies_to(layer)) work.dropout().drop(layer, work.A_before(layer, X), team);
    };
    for (std::size_t layer = 0; layer < last; ++layer) {
        drop(layer);
        const Matrix<T> A = work.A(layer, X.rows);
        if (!network.shape().plain(layer)) {
            forward_unfused(network, layer, work.A_in(layer, X), work, team);
        } else if (derivative_from_z(network.shape().activation(layer))) {
            const Matrix<T> Z = work.Z(layer, X.rows);
            forward_layer(network, layer, work.A_in(layer, X), Z, team);
            activate_layer<T>(network, layer, Z, A, team);
        } else {
            forward_and_activate(network, layer, work.A_in(layer, X), A, team);
        }
    }
    drop(last);
    forward_layer(network, last, work.A_in(last, X), work.Z(last, X.rows), team);
}

namespace {

// A = the outputs of X, slice by slice, with the weights in memory order.
template <class T>
void predict_slices(const Network<T>& network, Matrix<const T> X, Matrix<T> A, Team& team) {
    const std::size_t rows = std::min(X.rows, rows_at_once);
    const Shape& shape = network.shape();
    const std::size_t last = shape.n_layers() - 1;
    const std::size_t stride = row_stride<T>(shape.widest_output());
    Scratch<T> even(last > 0 ? rows * stride : 0);
    Scratch<T> odd(last > 1 ? rows * stride : 0);
    // Rows that evict each other from the cache are copied to places that do not, if they are read often enough.
    const std::size_t X_stride = row_stride<T>(X.stride);
    const bool copies_X = X_stride != X.stride && rows >= 8 && shape.n_out(0) > panel_cols<T>;
    Scratch<T> X_copy(copies_X ? rows * X_stride : 0);
    const T* pointers[rows_at_once];
    for (std::size_t first = 0; first < X.rows; first += rows) {
        const std::size_t n = std::min(rows, X.rows - first);
        Matrix<const T> A_in = X.slice(first, n);
        if (copies_X) {
            for (std::size_t i = 0; i < n; ++i) std::copy_n(A_in.row(i), A_in.cols, X_copy.data() + i * X_stride);
            A_in = {X_copy.data(), n, X.cols, X_stride};
        }
        for (std::size_t layer = 0; layer <= last; ++layer) {
            const Matrix<T> hidden{(layer % 2 == 0 ? even : odd).data(), n, shape.columns(layer), stride};
            const Matrix<T> A_out = layer == last ? A.slice(first, n) : hidden;
            for (std::size_t i = 0; i < n; ++i) pointers[i] = A_in.row(i);
            const Scattered<const T> rows_in{pointers, n, shape.n_in(layer), 0, A_in.stride};
            forward_and_activate<T>(network, layer, rows_in, A_out, team);
            if (shape.skips(layer)) skip(rows_in, A_out, team);
            A_in = A_out;
        }
    }
}

}  // namespace

template <class T>
void predict(const Network<T>& network, Matrix<const T> X, Matrix<T> A, Team& team) {
    constexpr double worth_a_copy = 1e6;  // multiply-adds: some 10 us
    const Shape& shape = network.shape();
    const double work = static_cast<double>(X.rows) * static_cast<double>(shape.n_params());
    // A copy of the weights in panels costs as much as a few samples.
    if (X.rows < 64 || work < worth_a_copy) return predict_slices(network, X, A, team);
    Network<T> panels(shape.filled_up<T>(kernels<T>().width));
    copy_parameters(network, panels, team);
    predict_slices(panels, X, A, team);
}

template void weighted_sums(const Network<float>&, std::size_t, Scattered<const float>, const float*, Matrix<float>,
                            Team&);
template void weighted_sums(const Network<double>&, std::size_t, Scattered<const double>, const double*, Matrix<double>,
                            Team&);
// With the weights in memory order: a copy in panels would cost more than the few that are used.
template <class T>
void predict(const Network<T>& network, const CsrView<T>& X, Matrix<T> A, Team& team) {
    const std::size_t rows = std::min(X.rows, rows_at_once);
    const Shape& shape = network.shape();
    const std::size_t last = shape.n_layers() - 1;
    SparseRowPointers<T> sparse(rows);
    RowPointers<const T> pointers(rows);
    std::array<Rows<T>, 2> hidden{Rows<T>(rows, shape.widest_hidden()), Rows<T>(rows, shape.widest_hidden())};
    for (std::size_t first = 0; first < X.rows; first += rows) {
        const std::size_t n = std::min(rows, X.rows - first);
        Scattered<const T> A_in = sparse.to(X.slice(first, n));
        for (std::size_t layer = 0; layer <= last; ++layer) {
            const Matrix<T> A_out =
                layer == last ? A.slice(first, n) : hidden[layer % 2].first(n).columns(shape.n_out(layer));
            forward_and_activate<T>(network, layer, A_in, A_out, team);
            if (shape.skips(layer)) skip(A_in, A_out, team);
            A_in = pointers.to(A_out);
        }
    }
}

template void forward_layer(const Network<float>&, std::size_t, Scattered<const float>, Matrix<float>, Team&);
template void forward_layer(const Network<double>&, std::size_t, Scattered<const double>, Matrix<double>, Team&);
template void activate_layer(const Network<float>&, std::size_t, Matrix<const float>, Matrix<float>, Team&);
template void activate_layer(const Network<double>&, std::size_t, Matrix<const double>, Matrix<double>, Team&);
template void skip(Scattered<const float>, Matrix<float>, Team&);
template void skip(Scattered<const double>, Matrix<double>, Team&);
template void forward(const Network<float>&, Scattered<const float>, ForwardWorkspace<float>&, Team&);
template void forward(const Network<double>&, Scattered<const double>, ForwardWorkspace<double>&, Team&);
template void predict(const Network<float>&, const CsrView<float>&, Matrix<float>, Team&);
template void predict(const Network<double>&, const CsrView<double>&, Matrix<double>, Team&);
template void predict(const Network<float>&, Matrix<const float>, Matrix<float>, Team&);
template void predict(const Network<double>&, Matrix<const double>, Matrix<double>, Team&);

}  // namespace rosenblatt
