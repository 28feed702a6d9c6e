// Sparse products: forward in slices of rows, the gradient in slices of columns. Slices write to disjoint places.
#include "model/sparse_products.hpp"

#include <algorithm>

#include "model/product.hpp"
#include "model/sparse_batch.hpp"

namespace rosenblatt {

namespace {

// So many columns of a batch from `first` on.
template <class T>
SparseColumns<T> some_columns(SparseColumns<T> A, std::size_t first, std::size_t count) noexcept {
    return {A.column + first, A.start + first, A.row, A.value, count};
}

// Multiply-adds that a column of the batch stands for, and what it costs to come by.
template <class T>
double work_of_a_column(SparseColumns<T> A, std::size_t n_out) noexcept {
    if (A.n == 0) return 0;
    const double elements = static_cast<double>(A.start[A.n]) / static_cast<double>(A.n);
    return (elements + 1) * static_cast<double>(n_out);
}

}  // namespace

template <class T>
void forward_sparse(const Network<T>& network, std::size_t layer, Scattered<const T> A_in, const T* init, Matrix<T> Z,
                    Team& team) {
    const std::size_t n_in = network.shape().n_in(layer);
    const std::size_t n_out = network.shape().n_out(layer);
    const bool sixteen = chains(n_in, n_out) == Chains::sixteen;
    const Matrix<T> results = Z.columns(sixteen ? n_out : Z.cols);
    const Panels<const T> W = network.W(layer);
    const double elements = static_cast<double>(nnz(A_in)) / static_cast<double>(A_in.rows);
    team.slices(A_in.rows, (elements + 1) * static_cast<double>(results.cols),
                [&](std::size_t first, std::size_t count) noexcept {
                    const SparseRows<const T> rows = A_in.sparse->from(first);
                    const Matrix<T> of_slice = results.slice(first, count);
                    if (sixteen) kernels<T>().multiply_sparse_interleaved(rows, count, init, W, of_slice);
                    else kernels<T>().multiply_sparse(rows, count, init, W, of_slice);
                });
}

template <class T>
void gradient_sparse(SparseColumns<T> A, Matrix<const T> Delta, Panels<T> dW, Team& team) {
    const std::size_t panels = (dW.cols + panel_cols<T> - 1) / panel_cols<T>;
    team.slices(dW.rows, static_cast<double>(dW.cols), [&](std::size_t first, std::size_t count) noexcept {
        for (std::size_t p = 0; p < panels; ++p) {
            const std::size_t j = p * panel_cols<T>;
            for (std::size_t k = first; k < first + count; ++k)
                std::fill_n(dW.at(k, j), std::min(panel_cols<T>, dW.cols - j), T{0});
        }
    });
    team.slices(A.n, work_of_a_column(A, dW.cols), [&](std::size_t first, std::size_t count) noexcept {
        kernels<T>().gradient_of_sparse(some_columns(A, first, count), Delta, dW);
    });
}

template <class T>
void descend_sparse(SparseColumns<T> A, Matrix<const T> Delta, T learning_rate, Panels<T> W, Team& team) noexcept {
    if (A.n == 0) return;
    team.slices_uninterrupted(A.n, work_of_a_column(A, W.cols), [&](std::size_t first, std::size_t count) noexcept {
        kernels<T>().descend_sparse(some_columns(A, first, count), Delta, learning_rate, W);
    });
}

template void forward_sparse(const Network<float>&, std::size_t, Scattered<const float>, const float*, Matrix<float>,
                             Team&);
template void forward_sparse(const Network<double>&, std::size_t, Scattered<const double>, const double*,
                             Matrix<double>, Team&);
template void gradient_sparse(SparseColumns<float>, Matrix<const float>, Panels<float>, Team&);
template void gradient_sparse(SparseColumns<double>, Matrix<const double>, Panels<double>, Team&);
template void descend_sparse(SparseColumns<float>, Matrix<const float>, float, Panels<float>, Team&) noexcept;
template void descend_sparse(SparseColumns<double>, Matrix<const double>, double, Panels<double>, Team&) noexcept;

}  // namespace rosenblatt
