// Arrays: the door. Every check of a user's array is here, once; below it nothing is checked again. An array arrives
// contiguous and of the exact type (python/rosenblatt/_arrays.py converts it), and leaves as a view.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>

#include "base/stored_rows.hpp"
#include "base/views.hpp"
#include "kernels/table.hpp"
#include "model/shape.hpp"
#include "model/workspace.hpp"

namespace rosenblatt::bindings {

namespace py = pybind11;

template <class T>
using Array = py::array_t<T, py::array::c_style>;

// "(3, 4)"
std::string shape_text(const py::array& array);

// X (n, n_features), n >= 1, every value finite; otherwise ValueError.
template <class T>
Matrix<const T> take_X(const char* name, const Array<T>& X, const Shape& shape);

// Any rows (n, cols), n and cols >= 1, every value finite; otherwise ValueError.
template <class T>
Matrix<const T> take_rows(const char* name, const Array<T>& rows);

// Rows of which some elements are stored, as base/stored_rows.hpp has them: values, columns, starts, and the number of columns.
template <class T>
using SparseArrays = std::tuple<Array<T>, Array<std::int32_t>, Array<std::int64_t>, std::size_t>;

// X of n_features columns, n >= 1, every column inside and every value finite; otherwise ValueError. The columns of a row may
// come in any order, and twice, where `sorted` is false.
template <class T>
SparseRows<T> take_sparse(const char* name, const SparseArrays<T>& X, std::size_t n_features, bool sorted = true);

// X as it lies, or its stored elements.
template <class T>
using DenseOrSparse = std::variant<Array<T>, SparseArrays<T>>;

// X (n, n_features) of samples, as take_X or take_sparse.
template <class T>
void take_inputs(const char* name, const DenseOrSparse<T>& X, const Shape& shape, Samples<T>& samples);

// Whether the columns of every row rise.
template <class T>
bool columns_rise(const SparseRows<T>& X) noexcept;

// Y as a network with this shape and this loss wants it for n samples: rows (n, n_targets) of type T, or labels (n,) of
// type int64. ValueError otherwise.
template <class T>
Targets<T> take_Y(const char* name, const py::array& Y, std::size_t n, Loss loss, const Shape& shape);

// dC/dA (n, n_outputs), every value finite; otherwise ValueError.
template <class T>
Matrix<const T> take_dC_dA(const char* name, const Array<T>& dC_dA, std::size_t n, const Shape& shape);

// v (n_params,), every value finite; otherwise ValueError.
template <class T>
Vector<const T> take_direction(const char* name, const Array<T>& v, const Shape& shape);

// Sample weights (n,), finite, none negative, some positive; ValueError otherwise. None is null.
const double* take_weights(const char* name, const std::optional<Array<double>>& weights, std::size_t n);

// An array that a result is written to.
template <class T>
Array<T> new_array(std::size_t rows, std::size_t cols) {
    return Array<T>({static_cast<py::ssize_t>(rows), static_cast<py::ssize_t>(cols)});
}

// An array of its own with the numbers of a matrix.
template <class T>
Array<T> copied(Matrix<const T> from) {
    auto array = new_array<T>(from.rows, from.cols);
    for (std::size_t i = 0; i < from.rows; ++i)
        std::copy_n(from.row(i), from.cols, array.mutable_data() + i * from.cols);
    return array;
}

template <class T>
Matrix<T> writeable(Array<T>& array) {
    const auto rows = static_cast<std::size_t>(array.shape(0));
    const auto cols = static_cast<std::size_t>(array.shape(1));
    return {array.mutable_data(), rows, cols, cols};
}

}  // namespace rosenblatt::bindings
