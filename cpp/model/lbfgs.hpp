// L-BFGS: steps of the whole cost, along a direction that the last steps taught, as far as a line search finds good.
// Sources: Liu, Nocedal, Mathematical Programming 45, 1989; Nocedal, Wright, Numerical Optimization, 2006: algorithms
// 7.4 (the direction), 3.5 and 3.6 (the step).
#pragma once

#include "model/team.hpp"
#include "model/train.hpp"

namespace rosenblatt {

// As train(), for an optimiser of the method lbfgs: an epoch is a step on all samples, in their order. Ends before the
// last epoch if the cost is flat enough. The only regularisation is L2. A checkpoint has no numbers, and the pairs from
// the first to the last, each a step and the change of the gradient: costs and gradients are computed again from the
// parameters.
template <class T>
TrainingHistory minimise(const TrainingRequest<T>& request, Team& team);

}  // namespace rosenblatt
