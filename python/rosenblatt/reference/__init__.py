"""The textbook: networks, gradients and training in plain Python.

Read it along with the lecture.

It uses only the standard library; data are lists of lists of floats. It follows docs/arithmetic.md
operation by operation, so the compiled core computes identical numbers; the tests compare the two.
Read train.py first: forward.py, loss.py, backward.py and update.py are its four steps.

>>> from rosenblatt import reference
>>> net = reference.Network([2, 3, 1], output="logistic", dtype="float64", random_state=0)
>>> X, Y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 0, 0, 1]
>>> sgd = reference.SGD(learning_rate=0.5)
>>> result = reference.train(net, X, Y, loss="log_loss", optimizer=sgd, batch_size=1, epochs=20)
>>> result.loss_curve[0] > result.loss_curve[-1]
True
"""

from .activation import CustomActivation
from .backward import Gradients
from .forward import Trace
from .initial_weights import InitialWeights
from .lbfgs import LBFGS
from .loss import LossRule
from .network import Network
from .scaling import Scaling
from .train import TrainResult, train
from .update import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    NAdam,
    Regularisation,
    RMSprop,
    Rprop,
)

__all__ = [
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "CustomActivation",
    "Gradients",
    "InitialWeights",
    "Lion",
    "LossRule",
    "NAdam",
    "Network",
    "OwnActivation",
    "RMSprop",
    "Regularisation",
    "Rprop",
    "Scaling",
    "Trace",
    "TrainResult",
    "train",
]

OwnActivation = CustomActivation  # its former name
