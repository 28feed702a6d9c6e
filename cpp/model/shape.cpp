// Shape: offsets into theta.
#include "model/shape.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "base/assert.hpp"

namespace rosenblatt {

Shape::Shape(std::vector<std::size_t> sizes, std::vector<Activation> activations, CustomActivations custom,
             HiddenLayers hidden)
    : Shape(std::move(sizes), std::move(activations), std::move(custom), std::move(hidden), 1, 0) {}

Shape::Shape(std::vector<std::size_t> sizes, std::vector<Activation> activations, CustomActivations custom,
             HiddenLayers hidden, std::size_t unit, std::size_t panel)
    : unit_(unit),
      panel_(panel),
      sizes_(std::move(sizes)),
      activations_(std::move(activations)),
      custom_(std::move(custom)),
      hidden_(std::move(hidden)),
      offsets_{0},
      running_offsets_{0} {
    ROSENBLATT_ASSERT(sizes_.size() >= 2 && activations_.size() + 1 == sizes_.size());
    ROSENBLATT_ASSERT(custom_.empty() || custom_.size() == activations_.size());
    ROSENBLATT_ASSERT(hidden_.norms.size() < n_layers() && hidden_.skips.size() < n_layers());
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / 64;
    for (std::size_t layer = 0; layer < n_layers(); ++layer) {
        const std::size_t stride = row_stride(layer);
        const std::size_t width = (columns(layer) + stride - 1) / stride * stride;  // of whole panels
        if (n_in(layer) + 2 >= most / width) throw std::length_error("too many parameters");
        const std::size_t size = n_in(layer) * width + (normalises(layer) ? 2 : 1) * columns(layer);
        if (size > most - offsets_.back()) throw std::length_error("too many parameters");
        offsets_.push_back(offsets_.back() + size);
        running_offsets_.push_back(running_offsets_.back() + (norm(layer) == Norm::batch ? 2 * columns(layer) : 0));
        ROSENBLATT_ASSERT(!skips(layer) || n_in(layer) == n_out(layer));
    }
}

bool Shape::plain() const noexcept {
    for (std::size_t layer = 0; layer < n_layers(); ++layer)
        if (!plain(layer)) return false;
    return true;
}

bool Shape::has_batch_norm() const noexcept {
    return std::find(hidden_.norms.begin(), hidden_.norms.end(), Norm::batch) != hidden_.norms.end();
}

std::size_t Shape::widest_hidden() const noexcept {
    std::size_t widest = 0;
    for (std::size_t layer = 1; layer < n_layers(); ++layer) widest = std::max(widest, n_in(layer));
    return widest;
}

std::size_t Shape::widest_output() const noexcept { return fill_up(std::max(widest_hidden(), n_outputs())); }

}  // namespace rosenblatt
