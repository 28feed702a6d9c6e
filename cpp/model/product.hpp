// Product: a matrix product cut into tiles of the result for a team. The sums themselves are never cut.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/assert.hpp"
#include "base/views.hpp"
#include "kernels/table.hpp"
#include "model/team.hpp"

namespace rosenblatt {

// The form of the sums; the layer's sizes decide, see interleaved().
enum class Chains { single, sixteen };

inline Chains chains(std::size_t n_terms, std::size_t n_results) noexcept {
    return interleaved(n_terms, n_results) ? Chains::sixteen : Chains::single;
}

// C = start + L R: L (rows, terms), R (terms, cols), start (cols,) or null for 0, C (rows, cols). Throws Stopped.
template <class T>
void product(StridedMatrix<const T> L, Matrix<const T> R, const T* start, Matrix<T> C, Chains chains, Team& team) {
    ROSENBLATT_ASSERT(L.rows == C.rows && L.cols == R.rows && R.cols == C.cols);
    const auto multiply = chains == Chains::sixteen ? kernels<T>().multiply_interleaved : kernels<T>().multiply;
    const double work_per_element = static_cast<double>(L.cols);
    const double work = work_per_element * static_cast<double>(C.rows) * static_cast<double>(C.cols);
    if (work <= Team::work_of_a_tile) {
        team.tiles(1, work, [&](std::size_t) noexcept { multiply(L, R, start, C); });
        return;
    }
    // Whole registers side by side (128 columns fit every instruction set's tile), and rows in multiples of the
    // tallest register tile, as many as make a tile's work.
    constexpr std::size_t widest = 128;
    constexpr std::size_t tallest = 14;
    const std::size_t cols = std::min(C.cols, widest);
    const auto wanted = static_cast<std::size_t>(Team::work_of_a_tile / (work_per_element * static_cast<double>(cols)));
    const std::size_t rows = std::min(C.rows, (wanted / tallest + 1) * tallest);
    const std::size_t row_tiles = (C.rows + rows - 1) / rows;
    const std::size_t col_tiles = (C.cols + cols - 1) / cols;
    const double work_of_one = work / static_cast<double>(row_tiles * col_tiles);
    team.tiles(row_tiles * col_tiles, work_of_one, [&](std::size_t tile) noexcept {
        const std::size_t i = tile % row_tiles * rows;
        const std::size_t j = tile / row_tiles * cols;
        const std::size_t m = std::min(rows, C.rows - i);
        const std::size_t n = std::min(cols, C.cols - j);
        multiply({L.data + i * L.row_step, m, L.cols, L.row_step, L.col_step}, {R.data + j, R.rows, n, R.stride},
                 start == nullptr ? nullptr : start + j, {C.row(i) + j, m, n, C.stride});
    });
}

}  // namespace rosenblatt
