"""How near the models come to what the processor can do: 8-bit multiply-adds a second, one core."""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from index.embedding import OnnxEmbedder
from qa.reader import OnnxReader
from tests.benchmarks.figures import Figure
from tests.benchmarks.ground import Ground
from tests.benchmarks.turns import take_turns
from tests.paths import EMBEDDER, READER

# A product of this shape keeps its operands in the cache and is long enough for any kernel.
_ROWS, _INNER, _COLUMNS = 256, 1_536, 1_536
_UNIT = "billion/s a core"
_QUESTION = "How long is the warranty on the display of the larger model?"
_SENTENCE = "The warranty on the display is thirty months from the day on which it was delivered. "


def peak(ground: Ground) -> Iterator[Figure]:
    """The multiply-adds of a passage's sequence, against those of one large product."""
    text = _SENTENCE * 8
    embedder = OnnxEmbedder(EMBEDDER, threads=1)
    reader = OnnxReader(READER, threads=1)
    length = len(embedder.tokenize([text])[0])
    asked = length + len(embedder.tokenize([_QUESTION])[0])
    work: dict[str, tuple[float, Callable[[], Any]]] = {
        "product": (_ROWS * _INNER * _COLUMNS, product(np.int8)),
        "fp32": (_ROWS * _INNER * _COLUMNS, product(np.float32)),
        "embedder": (
            length * weights(EMBEDDER / "model.onnx"),
            lambda: embedder.embed_passages([text]),
        ),
        "reader": (
            asked * weights(READER / "model.onnx"),
            lambda: reader.read(_QUESTION, [text]),
        ),
    }

    def billions(name: str) -> Callable[[int], float]:
        amount, act = work[name]

        def once(_: int) -> float:
            began = time.process_time()
            for _ in range(5):
                act()
            return 5 * amount / (time.process_time() - began) / 1e9

        return once

    for _, act in work.values():
        act()
    found = take_turns(ground.plan.times(20, 8), {name: billions(name) for name in work})
    yield ground.figure(
        "8-bit multiply-adds a second, one large product",
        found["product"],
        found["fp32"],
        _UNIT,
        "the same product in fp32",
        better="more",
    )
    for name in ("embedder", "reader"):
        yield ground.figure(
            f"8-bit multiply-adds a second, {name}",
            found[name],
            found["product"],
            _UNIT,
            "one large product",
            better="more",
        )


def weights(model: Path) -> int:
    """How many 8-bit multiply-adds a token takes: the sizes of the quantized weights together."""
    import onnx

    graph = onnx.load(model).graph
    shapes = {tensor.name: tensor.dims for tensor in graph.initializer}
    return sum(
        math.prod(shapes[name])
        for node in graph.node
        if node.op_type == "MatMulInteger"
        for name in node.input
        if len(shapes.get(name, ())) == 2
    )


def product(kind: type[np.int8] | type[np.float32]) -> Callable[[], Any]:
    """A product on one thread as the runtime does it: of 8-bit matrices, or of fp32 ones."""
    import onnx
    import onnxruntime as ort
    from onnx import helper, numpy_helper

    rng = np.random.default_rng(1)
    # Seven bits, as the models' weights.
    right = rng.integers(-64, 64, (_INNER, _COLUMNS)).astype(kind)
    left = rng.integers(0, 256, (_ROWS, _INNER)).astype(np.uint8 if kind is np.int8 else kind)
    name, given, gives = (
        ("MatMulInteger", onnx.TensorProto.UINT8, onnx.TensorProto.INT32)
        if kind is np.int8
        else ("MatMul", onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT)
    )
    graph = helper.make_graph(
        [helper.make_node(name, ["left", "right"], ["out"])],
        "product",
        [helper.make_tensor_value_info("left", given, left.shape)],
        [helper.make_tensor_value_info("out", gives, (_ROWS, _COLUMNS))],
        [numpy_helper.from_array(right, "right")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, {"left": left})
