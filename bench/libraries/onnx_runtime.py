"""ONNX Runtime, for inference: a session called with arrays, or with bound buffers."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from ..workloads import Array, Workload, first_parameters, samples
from . import Runner

OPERATORS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid", "softmax": "Softmax"}
OPSET = 17  # of 2022: old enough for every version, and all that Gemm and Softmax need
IR_VERSION = 8  # that goes with it


def open_runner(form: str, workload: Workload, threads: int) -> Runner:
    return (BoundForward if form == "bound" else Forward)(workload, threads)


def model_bytes(workload: Workload) -> bytes:
    """Return the network as an ONNX model: Gemm, activation, Gemm, ..."""
    number = TensorProto.FLOAT if workload.dtype == "float32" else TensorProto.DOUBLE
    nodes, weights, name = [], [], "X"
    parameters = first_parameters(workload)
    for layer, (W, b) in enumerate(parameters, 1):
        weights += [
            numpy_helper.from_array(W, f"W{layer}"),
            numpy_helper.from_array(b, f"b{layer}"),
        ]
        nodes.append(helper.make_node("Gemm", [name, f"W{layer}", f"b{layer}"], [f"z{layer}"]))
        name = f"z{layer}"
        activation = workload.output if layer == len(parameters) else workload.activation
        if activation in OPERATORS:
            nodes.append(helper.make_node(OPERATORS[activation], [name], [f"a{layer}"]))
            name = f"a{layer}"
    rows, n_in, n_out = workload.batch, workload.layers[0], workload.layers[-1]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("X", number, [rows, n_in])],
        [helper.make_tensor_value_info(name, number, [rows, n_out])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def open_session(workload: Workload, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model_bytes(workload), options, providers=["CPUExecutionProvider"]
    )


class Forward:
    """`run` with a NumPy array, which returns a NumPy array."""

    def __init__(self, workload: Workload, threads: int) -> None:
        self._session = open_session(workload, threads)
        self._names = [self._session.get_outputs()[0].name]
        self._calls = [{"X": x} for x in np.split(samples(workload)[0], workload.steps)]

    def reset(self) -> None:
        pass

    def run(self, count: int) -> None:
        run, names = self._session.run, self._names
        for _ in range(count):
            for feed in self._calls:
                run(names, feed)

    def result(self, steps: int) -> Array:
        return np.stack([self._session.run(self._names, x)[0] for x in self._calls[:steps]])


class BoundForward:
    """`run_with_iobinding`: one input and one output buffer, bound once; samples are copied in."""

    def __init__(self, workload: Workload, threads: int) -> None:
        self._session = open_session(workload, threads)
        self._calls = np.split(samples(workload)[0], workload.steps)
        self._x = np.empty_like(self._calls[0])
        self._a = np.empty((workload.batch, workload.layers[-1]), workload.dtype)
        self._binding = self._session.io_binding()
        output = self._session.get_outputs()[0].name
        dtype = self._x.dtype
        self._binding.bind_input("X", "cpu", 0, dtype, self._x.shape, self._x.ctypes.data)
        self._binding.bind_output(output, "cpu", 0, dtype, self._a.shape, self._a.ctypes.data)

    def reset(self) -> None:
        pass

    def run(self, count: int) -> None:
        run, binding, buffer, copy = (
            self._session.run_with_iobinding,
            self._binding,
            self._x,
            np.copyto,
        )
        for _ in range(count):
            for x in self._calls:
                copy(buffer, x)
                run(binding)

    def result(self, steps: int) -> Array:
        outputs = []
        for x in self._calls[:steps]:
            np.copyto(self._x, x)
            self._session.run_with_iobinding(self._binding)
            outputs.append(self._a.copy())
        return np.stack(outputs)
