"""Pictures of networks and of their training, drawn with matplotlib.

Every function takes `ax`, an Axes to draw into, and returns the Axes that it drew into; without
`ax` it makes a figure of pyplot's, which nobody shows or closes but you. Colours follow the style
in use, light or dark.

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
