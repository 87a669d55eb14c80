"""The network as usually written in NumPy or torch: points × features, one product per layer."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from tilecppn.cppn import CPPN
from tilecppn.cppn.resolved import Groups, ResolvedNetwork

Run = Callable[[], object]

TORCH = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "sin": torch.sin,
    "gaussian": lambda x: torch.exp(-x * x),
}
NUMPY: dict[str, Callable[[NDArray[np.floating]], NDArray[np.floating]]] = {
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


class Net(torch.nn.Module):
    def __init__(self, cppn: CPPN, dtype: str) -> None:
        super().__init__()
        self.residual = cppn.structure.residual
        self.names = (*cppn.structure.activations, cppn.structure.output)
        self.linears = torch.nn.ModuleList()
        for weight, bias in cppn.layers:
            linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
            linear.weight.data = torch.tensor(weight.astype(dtype))
            linear.bias.data = torch.tensor(bias.astype(dtype))
            self.linears.append(linear)

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        last = len(self.linears) - 1
        for i, (linear, name) in enumerate(zip(self.linears, self.names, strict=True)):
            value = TORCH[name](linear(h))
            h = h + value if self.residual and 0 < i < last else value
        return h


class DetailNet(torch.nn.Module):
    """A network with detail as usually written in torch: every hidden layer is read out.

    Layers fade by one number for the picture, so it has fewer of them than ours.
    """

    def __init__(self, network: ResolvedNetwork, dtype: str) -> None:
        super().__init__()
        even = network.evenly_faded()
        self.layers = [
            (
                torch.tensor(layer.weight.astype(dtype)).T,
                torch.tensor(layer.bias.astype(dtype)),
                layer.groups,
                None if layer.readout is None else torch.tensor(layer.readout.astype(dtype)).T,
            )
            for layer in even.layers
        ]
        self.bias, self.output = torch.tensor(even.bias.astype(dtype)), network.output

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        colour = self.bias
        for weight, bias, groups, readout in self.layers:
            h = _activated(h @ weight + bias, groups)
            if readout is not None:
                colour = colour + h @ readout
        return _activated(colour, self.output)


def _activated(sums: torch.Tensor, groups: Groups) -> torch.Tensor:
    parts = torch.split(sums, [count for _, count in groups], dim=1)
    values = [TORCH[name](part) for (name, _), part in zip(groups, parts, strict=True)]
    return values[0] if len(values) == 1 else torch.cat(values, dim=1)


def inputs(cppn: CPPN, points: int, dtype: str) -> NDArray[np.floating]:
    shape = (points, cppn.structure.columns)
    return np.random.default_rng(0).normal(0.0, 3.0, shape).astype(dtype)


def in_torch(net: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, chunk: int) -> Run:
    parts = torch.tensor_split(x, tuple(range(chunk, len(x), chunk)))

    @torch.inference_mode()
    def run() -> None:
        for part in parts:
            net(part)

    return run


def in_numpy(cppn: CPPN, x: NDArray[np.floating], chunk: int) -> Run:
    layers = [(w.T.astype(x.dtype), b.astype(x.dtype)) for w, b in cppn.layers]
    names = (*cppn.structure.activations, cppn.structure.output)

    def run() -> None:
        for start in range(0, len(x), chunk):
            h = x[start : start + chunk]
            for i, ((weight, bias), name) in enumerate(zip(layers, names, strict=True)):
                value = NUMPY[name](h @ weight + bias)
                h = h + value if cppn.structure.residual and 0 < i < len(layers) - 1 else value

    return run


def compiled(cppn: CPPN, x: torch.Tensor, chunk: int) -> Run:
    """Compile by torch.compile with frozen weights and tuning; raise what keeps it from running."""
    import torch._inductor.config

    torch._inductor.config.freezing = True
    net = Net(cppn, str(x.dtype).removeprefix("torch.")).eval()
    run = in_torch(torch.compile(net, mode="max-autotune", dynamic=False), x, chunk)
    run()
    return run
