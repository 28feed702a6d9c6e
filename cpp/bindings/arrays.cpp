// Arrays: what is wrong with an array, in words.
#include "bindings/arrays.hpp"

#include <algorithm>
#include <cmath>

#include "bindings/losses.hpp"

namespace rosenblatt::bindings {

namespace {

[[noreturn]] void refuse(const char* name, const std::string& what) {
    throw py::value_error(std::string(name) + ": " + what);
}

std::string number_text(double x) { return py::str(py::float_(x)).cast<std::string>(); }

std::string element_text(const char* name, std::size_t index) {
    return std::string(name) + "[" + std::to_string(index) + "]";
}

std::string element_text(const char* name, std::size_t index, std::size_t cols) {
    return std::string(name) + "[" + std::to_string(index / cols) + ", " + std::to_string(index % cols) + "]";
}

struct Found {
    std::size_t index;
    double value;
};

template <class T>
std::optional<Found> first_non_finite(const T* x, std::size_t size) {
    std::optional<Found> found;
    in_slices(size, 1, [&](std::size_t first, std::size_t count) {
        if (found) return;
        const std::size_t bad = first + kernels<T>().first_non_finite(x + first, count);
        if (bad != first + count) found = {bad, static_cast<double>(x[bad])};
    });
    return found;
}

template <class T>
void check_finite(const char* name, Matrix<const T> x) {
    if (const auto bad = first_non_finite(x.data, x.rows * x.cols))
        refuse(name, "got " + number_text(bad->value) + " at " + element_text(name, bad->index, x.cols) +
                         ", expected finite numbers");
}

template <class T>
Matrix<const T> matrix(const Array<T>& array) {
    const auto rows = static_cast<std::size_t>(array.shape(0));
    const auto cols = static_cast<std::size_t>(array.shape(1));
    return {array.data(), rows, cols, cols};
}

// Calls f(i) for every row of Y.
template <class T, class F>
void each_row(Matrix<const T> Y, F f) {
    in_slices(Y.rows, Y.cols, [&](std::size_t first, std::size_t count) {
        for (std::size_t i = first; i < first + count; ++i) f(i);
    });
}

std::string loss_text(Loss loss) { return loss_names[static_cast<std::size_t>(loss)]; }

// Every target for which `allowed` is not true is refused.
template <class T, class F>
void check_each(const char* name, Matrix<const T> Y, const std::string& expected, F allowed) {
    each_row(Y, [&](std::size_t i) {
        for (std::size_t j = 0; j < Y.cols; ++j)
            if (const double y = static_cast<double>(Y.row(i)[j]); !allowed(y))
                refuse(name, "got " + number_text(y) + " at " + element_text(name, i * Y.cols + j, Y.cols) +
                                 ", expected " + expected);
    });
}

template <class T>
void check_sums(const char* name, Matrix<const T> Y) {
    // Room for a distribution that was rounded to float16 or printed with four digits; a mistake is far outside.
    constexpr double tolerance = 1e-4;
    each_row(Y, [&](std::size_t i) {
        double sum = 0;
        for (std::size_t j = 0; j < Y.cols; ++j) sum += static_cast<double>(Y.row(i)[j]);
        if (std::abs(sum - 1) > tolerance)
            refuse(name, "got a sum of " + number_text(sum) + " in row " + std::to_string(i) +
                             ", expected 1: a distribution over the " + std::to_string(Y.cols) + " classes");
    });
}

template <class T>
void check_lengths(const char* name, Matrix<const T> Y) {
    each_row(Y, [&](std::size_t i) {
        double square = 0;
        for (std::size_t j = 0; j < Y.cols; ++j)
            square = std::fma(static_cast<double>(Y.row(i)[j]), static_cast<double>(Y.row(i)[j]), square);
        if (!(square > 0) || std::isinf(square))
            refuse(name, "got a length of " + number_text(std::sqrt(square)) + " in row " + std::to_string(i) +
                             ", expected a finite one above 0: cosine compares directions");
    });
}

// Checks that the targets fit the loss.
template <class T>
void check_answers(const char* name, Matrix<const T> Y, Loss loss, Activation output) {
    const TargetKind kind = target_kind(loss, output);
    switch (kind) {
        case TargetKind::reals:
            break;
        case TargetKind::probabilities:
        case TargetKind::distribution:
            check_each(name, Y, "probabilities from 0 to 1 for " + loss_text(loss),
                       [](double y) { return y >= 0 && y <= 1; });
            if (kind == TargetKind::distribution) check_sums(name, Y);
            break;
        case TargetKind::signs:
            check_each(name, Y, "-1 and 1 for " + loss_text(loss) + ", or integer labels (n,)",
                       [](double y) { return y == -1 || y == 1; });
            break;
        case TargetKind::counts:
            check_each(name, Y, "numbers of at least 0 for " + loss_text(loss), [](double y) { return y >= 0; });
            break;
        case TargetKind::direction:
            check_lengths(name, Y);
            break;
    }
}

// A copy of numbers that will be used as indices, made before they are checked.
template <class T>
Buffer<T> own_copy(const T* from, std::size_t n) {
    Buffer<T> copy(n);
    copy_in_slices<T>({from, n}, copy.view());
    return copy;
}

void check_takes_labels(const char* name, Loss loss, const Shape& shape) {
    if (!takes_labels(loss))
        refuse(name, std::string("got integer labels, expected targets of shape (n, ") +
                         std::to_string(n_targets(loss, shape.n_outputs())) + ") for " + loss_text(loss));
}

Vector<const std::int64_t> take_labels(const char* name, const Array<std::int64_t>& Y, std::size_t n, Loss loss,
                                       const Shape& shape, Indices& indices) {
    check_takes_labels(name, loss, shape);
    if (Y.ndim() != 1 || static_cast<std::size_t>(Y.shape(0)) != n)
        refuse(name, "got shape " + shape_text(Y) + ", expected (" + std::to_string(n) + ",): one label per row of X");
    indices.labels = own_copy(Y.data(), n);
    const Vector<const std::int64_t> labels{indices.labels.data(), n};
    check_labels(name, labels, loss, shape);
    return labels;
}

}  // namespace

void check_labels(const char* name, Vector<const std::int64_t> labels, Loss loss, const Shape& shape) {
    check_takes_labels(name, loss, shape);
    const bool yes_or_no = shape.output() != Activation::softmax && shape.n_outputs() == 1;
    const auto n_classes = static_cast<std::int64_t>(yes_or_no ? 2 : shape.n_outputs());
    in_slices(labels.size, 1, [&](std::size_t first, std::size_t count) {
        for (std::size_t i = first; i < first + count; ++i)
            if (labels[i] < 0 || labels[i] >= n_classes)
                refuse(name, "got label " + std::to_string(labels[i]) + " at " + element_text(name, i) +
                                 ", expected labels from 0 to " + std::to_string(n_classes - 1) + " for " +
                                 std::to_string(shape.n_outputs()) + (shape.n_outputs() == 1 ? " output" : " outputs"));
    });
}

std::string shape_text(const py::array& array) { return py::str(py::handle(array).attr("shape")).cast<std::string>(); }

template <class T>
Matrix<const T> take_X(const char* name, const Array<T>& X, const Shape& shape) {
    if (X.ndim() != 2 || static_cast<std::size_t>(X.shape(1)) != shape.n_features())
        refuse(name, "got shape " + shape_text(X) + ", expected (n, " + std::to_string(shape.n_features()) +
                         "): a row per sample, a column per input");
    if (X.shape(0) == 0) refuse(name, "got no samples, expected at least one row");
    check_finite(name, matrix(X));
    return matrix(X);
}

template <class T>
Matrix<const T> take_rows(const char* name, const Array<T>& rows) {
    if (rows.ndim() != 2 || rows.size() == 0)
        refuse(name, "got shape " + shape_text(rows) + ", expected (n, n_columns): at least one row and one column");
    check_finite(name, matrix(rows));
    return matrix(rows);
}

namespace {

// Whether `start` (rows + 1,) leads through the stored elements from the first to the last.
void check_starts(const char* name, const std::int64_t* start, std::size_t rows, std::size_t nnz) {
    if (start[0] != 0) refuse(name, "got " + std::to_string(start[0]) + " at indptr[0], expected 0");
    in_slices(rows, 1, [&](std::size_t first, std::size_t count) {
        for (std::size_t i = first; i < first + count; ++i)
            if (start[i + 1] < start[i])
                refuse(name, "got " + std::to_string(start[i + 1]) + " after " + std::to_string(start[i]) + " at " +
                                 element_text("indptr", i + 1) + ", expected numbers that do not fall");
    });
    if (static_cast<std::uint64_t>(start[rows]) > nnz)
        refuse(name, "got " + std::to_string(start[rows]) + " at " + element_text("indptr", rows) +
                         ", expected no more than the " + std::to_string(nnz) + " elements that are stored");
}

void check_columns(const char* name, Vector<const std::int32_t> column, std::size_t cols) {
    in_slices(column.size, 1, [&](std::size_t first, std::size_t count) {
        for (std::size_t t = first; t < first + count; ++t)
            if (column[t] < 0 || static_cast<std::size_t>(column[t]) >= cols)
                refuse(name, "got " + std::to_string(column[t]) + " at " + element_text("indices", t) +
                                 ", expected columns from 0 to " + std::to_string(cols) + " - 1");
    });
}

}  // namespace

template <class T>
CsrView<T> take_sparse(const char* name, const SparseArrays<T>& X, std::size_t n_features, Indices& indices,
                       bool sorted) {
    const auto& [values, columns, starts, cols] = X;
    if (values.ndim() != 1 || columns.ndim() != 1 || starts.ndim() != 1 || starts.size() == 0 ||
        values.size() != columns.size())
        refuse(name, "got data of shape " + shape_text(values) + ", indices of " + shape_text(columns) +
                         " and indptr of " + shape_text(starts) +
                         ", expected one index per stored element and a start per row and one more");
    const auto rows = static_cast<std::size_t>(starts.size()) - 1;
    if (cols != n_features)
        refuse(name, "got shape (" + std::to_string(rows) + ", " + std::to_string(cols) + "), expected (n, " +
                         std::to_string(n_features) + "): a row per sample, a column per input");
    if (rows == 0) refuse(name, "got no samples, expected at least one row");
    indices.starts = own_copy(starts.data(), rows + 1);
    check_starts(name, indices.starts.data(), rows, static_cast<std::size_t>(values.size()));
    const auto nnz = static_cast<std::size_t>(indices.starts.data()[rows]);
    indices.columns = own_copy(columns.data(), nnz);
    check_columns(name, {indices.columns.data(), nnz}, cols);
    const CsrView<T> found{values.data(), indices.columns.data(), indices.starts.data(), rows, cols};
    if (!sorted) return found;
    if (!columns_rise(found)) refuse(name, "got columns of a row that do not rise, expected sorted indices");
    if (const auto bad = first_non_finite(found.value, nnz)) {
        const auto* const next =
            std::upper_bound(found.start, found.start + rows, static_cast<std::int64_t>(bad->index));
        const auto row = static_cast<std::size_t>(next - found.start) - 1;
        const auto column = static_cast<std::size_t>(found.column[bad->index]);
        refuse(name, "got " + number_text(bad->value) + " at " + element_text(name, row * cols + column, cols) +
                         ", expected finite numbers");
    }
    return found;
}

template <class T>
TakenSamples<T> take_inputs(const char* name, const DenseOrSparse<T>& X, const Shape& shape) {
    TakenSamples<T> samples;
    if (const auto* const dense = std::get_if<Array<T>>(&X)) {
        samples.view.X = take_X(name, *dense, shape);
        return samples;
    }
    samples.view.sparse = take_sparse(name, std::get<SparseArrays<T>>(X), shape.n_features(), samples.indices);
    samples.view.X = {nullptr, samples.view.sparse.rows, samples.view.sparse.cols, 0};
    return samples;
}

template <class T>
bool columns_rise(const CsrView<T>& X) {
    bool rise = true;
    const auto mean_size = static_cast<std::size_t>(X.start[X.rows]) / X.rows;
    in_slices(X.rows, mean_size, [&](std::size_t first, std::size_t count) {
        for (std::size_t i = first; i < first + count && rise; ++i)
            for (std::int64_t t = X.start[i] + 1; t < X.start[i + 1]; ++t) rise = rise && X.column[t] > X.column[t - 1];
    });
    return rise;
}

void take_order(const char* name, const Array<std::int64_t>& given, Vector<std::size_t> order) {
    if (given.ndim() != 1 || static_cast<std::size_t>(given.shape(0)) != order.size)
        refuse(name, "got shape " + shape_text(given) + ", expected (" + std::to_string(order.size) + ",)");
    in_slices(order.size, 1, [&](std::size_t first, std::size_t count) {
        for (std::size_t i = first; i < first + count; ++i) {
            const std::int64_t index = given.data()[i];
            order[i] = static_cast<std::size_t>(index);
            if (order[i] >= order.size)
                refuse(name, "got " + std::to_string(index) + " at " + element_text(name, i) +
                                 ", expected indices from 0 to " + std::to_string(order.size - 1));
        }
    });
}

template <class T>
Targets<T> take_Y(const char* name, const py::array& Y, std::size_t n, Loss loss, const Shape& shape,
                  Indices& indices) {
    if (py::isinstance<Array<std::int64_t>>(Y))
        return {{}, take_labels(name, py::reinterpret_borrow<Array<std::int64_t>>(Y), n, loss, shape, indices).data};
    if (!py::isinstance<Array<T>>(Y))
        throw py::type_error(std::string(name) + ": got dtype " + py::str(Y.dtype()).cast<std::string>() +
                             ", expected int64 labels or targets of the network's dtype");
    const auto targets = py::reinterpret_borrow<Array<T>>(Y);
    const std::size_t cols = n_targets(loss, shape.n_outputs());
    if (Y.ndim() != 2 || static_cast<std::size_t>(Y.shape(0)) != n || static_cast<std::size_t>(Y.shape(1)) != cols)
        refuse(name, "got shape " + shape_text(Y) + ", expected (" + std::to_string(n) + ", " + std::to_string(cols) +
                         "): a row per row of X, a column per " + (cols == shape.n_outputs() ? "output" : "mean") +
                         (takes_labels(loss) ? ", or integer labels (n,)" : ""));
    const Matrix<const T> rows = matrix(targets);
    check_finite(name, rows);
    check_answers(name, rows, loss, shape.output());
    return {rows, nullptr};
}

template <class T>
Matrix<const T> take_dC_dA(const char* name, const Array<T>& dC_dA, std::size_t n, const Shape& shape) {
    if (dC_dA.ndim() != 2 || static_cast<std::size_t>(dC_dA.shape(0)) != n ||
        static_cast<std::size_t>(dC_dA.shape(1)) != shape.n_outputs())
        refuse(name, "got shape " + shape_text(dC_dA) + ", expected (" + std::to_string(n) + ", " +
                         std::to_string(shape.n_outputs()) + "): a row per row of X, a column per output");
    check_finite(name, matrix(dC_dA));
    return matrix(dC_dA);
}

template <class T>
Vector<const T> take_direction(const char* name, const Array<T>& v, const Shape& shape) {
    const std::size_t n = shape.n_params();
    if (v.ndim() != 1 || static_cast<std::size_t>(v.shape(0)) != n)
        refuse(name, "got shape " + shape_text(v) + ", expected (" + std::to_string(n) + ",): a number per parameter");
    if (const auto bad = first_non_finite(v.data(), n))
        refuse(name, "got " + number_text(bad->value) + " at " + element_text(name, bad->index) +
                         ", expected finite numbers");
    return {v.data(), n};
}

const double* take_weights(const char* name, const std::optional<Array<double>>& weights, std::size_t n) {
    if (!weights) return nullptr;
    if (weights->ndim() != 1 || static_cast<std::size_t>(weights->shape(0)) != n)
        refuse(name, "got shape " + shape_text(*weights) + ", expected (" + std::to_string(n) + ",): one per row of X");
    double total = 0;
    in_slices(n, 1, [&](std::size_t first, std::size_t count) {
        for (std::size_t i = first; i < first + count; ++i) {
            const double s = weights->data()[i];
            if (!(s >= 0) || std::isinf(s))
                refuse(name, "got " + number_text(s) + " at " + element_text(name, i) +
                                 ", expected finite numbers, none negative");
            total += s;
        }
    });
    if (!(total > 0) || std::isinf(total))
        refuse(name, "got a sum of " + number_text(total) + ", expected a positive finite one");
    return weights->data();
}

template TakenSamples<float> take_inputs(const char*, const DenseOrSparse<float>&, const Shape&);
template TakenSamples<double> take_inputs(const char*, const DenseOrSparse<double>&, const Shape&);
template CsrView<float> take_sparse(const char*, const SparseArrays<float>&, std::size_t, Indices&, bool);
template CsrView<double> take_sparse(const char*, const SparseArrays<double>&, std::size_t, Indices&, bool);
template bool columns_rise(const CsrView<float>&);
template bool columns_rise(const CsrView<double>&);
template Matrix<const float> take_X(const char*, const Array<float>&, const Shape&);
template Matrix<const float> take_dC_dA(const char*, const Array<float>&, std::size_t, const Shape&);
template Matrix<const double> take_dC_dA(const char*, const Array<double>&, std::size_t, const Shape&);
template Vector<const float> take_direction(const char*, const Array<float>&, const Shape&);
template Vector<const double> take_direction(const char*, const Array<double>&, const Shape&);
template Matrix<const double> take_X(const char*, const Array<double>&, const Shape&);
template Matrix<const float> take_rows(const char*, const Array<float>&);
template Matrix<const double> take_rows(const char*, const Array<double>&);
template Targets<float> take_Y(const char*, const py::array&, std::size_t, Loss, const Shape&, Indices&);
template Targets<double> take_Y(const char*, const py::array&, std::size_t, Loss, const Shape&, Indices&);

}  // namespace rosenblatt::bindings
