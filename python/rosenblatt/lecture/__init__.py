"""The lecture in executable form: its formulas, with the numbers of a network.

>>> import rosenblatt as rb
>>> net = rb.Network([4, 3, 3, 2], activation="tanh", dtype="float64", random_state=0)
>>> explanation = rb.lecture.explain(net, [1.0, 0.5, -1.0, 2.0], [1.0, 0.0], weight=(2, 2, 2))
>>> explanation.value == explanation.gradients == explanation.reference
True
>>> explanation.steps[-1].formula
'dC/dw_22^(2) = dC/dz_2^(3) · dz_2^(3)/dw_22^(2) = delta_2^(3) · a_2^(2)'
"""

from ._descent import Update, descent
from ._difference import Difference
from ._explain import Explanation, explain
from ._gradient_check import Disagreement, GradientCheck, gradient_check
from ._margin import ConvergenceBound
from ._perceptron import Correction, Line, Perceptron
from ._steps import Step
from ._trace import SampleTrace, trace

__all__ = [
    "ConvergenceBound",
    "Correction",
    "Difference",
    "Disagreement",
    "Explanation",
    "GradientCheck",
    "Line",
    "Perceptron",
    "SampleTrace",
    "Step",
    "Update",
    "descent",
    "explain",
    "gradient_check",
    "trace",
]
