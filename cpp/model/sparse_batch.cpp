// Sparse batch: a counting sort of the elements by column.
#include "model/sparse_batch.hpp"

namespace rosenblatt {

template <class T>
void BatchColumns<T>::reserve(Scattered<const T> X) {
    const std::size_t n = nnz(X);
    if (place_.size() < X.cols) place_ = Buffer<std::uint32_t>(X.cols);
    if (start_.size() >= n + 2) return;
    const std::size_t capacity = n + n / 2;  // batches differ
    column_ = Buffer<std::int32_t>(capacity);
    start_ = Buffer<std::size_t>(capacity + 2);
    row_ = Buffer<std::uint32_t>(capacity);
    value_ = Buffer<T>(capacity);
}

// Counts, then fills: start_[c + 2] counts column c, start_[c + 1] moves from its first element to its last.
template <class T>
SparseColumns<T> BatchColumns<T>::of(Scattered<const T> X) {
    reserve(X);
    const SparseRows<const T>& rows = *X.sparse;
    std::uint32_t* const place = place_.data();
    std::size_t* const start = start_.data();
    std::uint32_t n = 0;
    for (std::size_t i = 0; i < X.rows; ++i)
        for (std::size_t t = 0; t < rows.count[i]; ++t) {
            const std::int32_t k = rows.column[i][t];
            if (place[k] == 0) {
                column_.data()[n] = k;
                start[n + 2] = 0;
                place[k] = ++n;
            }
            ++start[place[k] + 1];
        }
    start[0] = start[1] = 0;
    for (std::size_t c = 0; c < n; ++c) start[c + 2] += start[c + 1];
    for (std::size_t i = 0; i < X.rows; ++i)
        for (std::size_t t = 0; t < rows.count[i]; ++t) {
            const std::size_t to = start[place[rows.column[i][t]]]++;
            row_.data()[to] = static_cast<std::uint32_t>(i);
            value_.data()[to] = rows.value[i][t];
        }
    for (std::uint32_t c = 0; c < n; ++c) place[column_.data()[c]] = 0;
    return {column_.data(), start, row_.data(), value_.data(), n};
}

template class BatchColumns<float>;
template class BatchColumns<double>;

}  // namespace rosenblatt
