"""Plots of networks and training runs, drawn with matplotlib.

Every function takes `ax`, an Axes to draw into, and returns the Axes it used. Without `ax` it
creates a pyplot figure, which you show and close yourself. Colours follow the current style, light
or dark.

>>> import matplotlib.pyplot as plt
>>> import rosenblatt as rb
>>> net = rb.Network([2, 8, 1], activation="tanh", output="logistic", random_state=0)
>>> ax = rb.plot.network(net)
>>> ax.get_title()
'2 – 8 – 1'
>>> plt.close(ax.figure)
"""

try:
    import matplotlib
except ImportError as error:
    raise ImportError("rosenblatt.plot needs matplotlib: pip install rosenblatt[plot]") from error

from ._animation import DecisionRegions, animate
from ._curves import loss_curve
from ._decision import decision_regions
from ._histograms import histograms
from ._line import line
from ._network import network
from ._surface import loss_surface
from ._theta_path import ThetaPath
from ._weight_images import first_layer_weights

__all__ = [
    "DecisionRegions",
    "ThetaPath",
    "animate",
    "decision_regions",
    "first_layer_weights",
    "histograms",
    "line",
    "loss_curve",
    "loss_surface",
    "network",
]

del matplotlib
