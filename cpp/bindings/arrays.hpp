// Arrays: every check of a user's array is here, once; the model checks nothing again. An array arrives contiguous and
// of the exact type (python/rosenblatt/_checks/arrays.py converts it), and leaves as a view. Numbers that are used as
// indices leave as copies, because a callback or another thread can write into the user's array while the call runs.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>

#include "base/buffer.hpp"
#include "base/sparse.hpp"
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

// Calls f(first, count) for slices of n items that hold `size` numbers each. Between two slices the handlers of signals
// run, and the exception of a handler is thrown. The caller holds the interpreter's lock.
template <class F>
void in_slices(std::size_t n, std::size_t size, F f) {
    constexpr std::size_t numbers_at_once = std::size_t{1} << 20;  // about a millisecond
    const std::size_t at_once = std::max<std::size_t>(1, numbers_at_once / std::max<std::size_t>(1, size));
    for (std::size_t first = 0; first < n; first += at_once) {
        if (first > 0 && PyErr_CheckSignals() != 0) throw py::error_already_set();
        f(first, std::min(at_once, n - first));
    }
}

// Copies numbers (n,) into as many.
template <class T>
void copy_in_slices(Vector<const T> from, Vector<T> to) {
    in_slices(from.size, 1,
              [&](std::size_t first, std::size_t count) { std::copy_n(from.data + first, count, to.data + first); });
}

// Copies of the numbers of a call that are used as indices: labels (n,), and the columns and row starts of a sparse X.
struct Indices {
    Buffer<std::int64_t> labels;
    Buffer<std::int32_t> columns;
    Buffer<std::int64_t> starts;
};

// Samples that passed the checks. The view points into the user's arrays and into the indices.
template <class T>
struct TakenSamples {
    TakenSamples() = default;
    TakenSamples(TakenSamples&&) noexcept = default;
    TakenSamples& operator=(TakenSamples&&) noexcept = default;

    Samples<T> view;
    Indices indices;
};

// X (n, n_features), n >= 1, every value finite; otherwise ValueError.
template <class T>
Matrix<const T> take_X(const char* name, const Array<T>& X, const Shape& shape);

// Any rows (n, cols), n and cols >= 1, every value finite; otherwise ValueError.
template <class T>
Matrix<const T> take_rows(const char* name, const Array<T>& rows);

// The arrays of a sparse matrix (base/sparse.hpp): values, columns, starts, and the number of columns.
template <class T>
using SparseArrays = std::tuple<Array<T>, Array<std::int32_t>, Array<std::int64_t>, std::size_t>;

// X of n_features columns, n >= 1, every column inside and every value finite; otherwise ValueError. If `sorted` is
// false, the columns of a row may have any order, and may repeat.
template <class T>
CsrView<T> take_sparse(const char* name, const SparseArrays<T>& X, std::size_t n_features, Indices& indices,
                       bool sorted = true);

// A dense or a sparse X.
template <class T>
using DenseOrSparse = std::variant<Array<T>, SparseArrays<T>>;

// Samples with X (n, n_features), as take_X or take_sparse.
template <class T>
TakenSamples<T> take_inputs(const char* name, const DenseOrSparse<T>& X, const Shape& shape);

// Whether the columns of every row rise.
template <class T>
bool columns_rise(const CsrView<T>& X);

// Y as a network with this shape and this loss needs it for n samples: rows (n, n_targets) of type T, or labels (n,) of
// type int64. ValueError otherwise.
template <class T>
Targets<T> take_Y(const char* name, const py::array& Y, std::size_t n, Loss loss, const Shape& shape, Indices& indices);

// ValueError unless the loss takes labels and each is a class of a network with this shape.
void check_labels(const char* name, Vector<const std::int64_t> labels, Loss loss, const Shape& shape);

// order (n,) becomes the numbers of `given` (n,), indices of n samples; ValueError for others.
void take_order(const char* name, const Array<std::int64_t>& given, Vector<std::size_t> order);

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
    T* const to = array.mutable_data();
    in_slices(from.rows, from.cols, [&](std::size_t first, std::size_t count) {
        for (std::size_t i = first; i < first + count; ++i) std::copy_n(from.row(i), from.cols, to + i * from.cols);
    });
    return array;
}

// The numbers of an array that a function of the user's gave, of the shape that `to` has; ValueError for another shape.
template <class T>
void copy_given(const char* name, const Array<T>& given, Matrix<T> to) {
    if (given.ndim() != 2 || static_cast<std::size_t>(given.shape(0)) != to.rows ||
        static_cast<std::size_t>(given.shape(1)) != to.cols)
        throw py::value_error(std::string(name) + ": got shape " + shape_text(given) + ", expected (" +
                              std::to_string(to.rows) + ", " + std::to_string(to.cols) + ")");
    for (std::size_t i = 0; i < to.rows; ++i) std::copy_n(given.data() + i * to.cols, to.cols, to.row(i));
}

template <class T>
Matrix<T> writeable(Array<T>& array) {
    const auto rows = static_cast<std::size_t>(array.shape(0));
    const auto cols = static_cast<std::size_t>(array.shape(1));
    return {array.mutable_data(), rows, cols, cols};
}

}  // namespace rosenblatt::bindings
