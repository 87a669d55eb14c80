"""The function: network, activations, presets, seeds, weights file."""

from tilecppn.cppn.activations import ACTIVATIONS
from tilecppn.cppn.network import CPPN, Structure
from tilecppn.cppn.presets import PRESETS, Preset
from tilecppn.cppn.seeded import Distribution

__all__ = ["ACTIVATIONS", "CPPN", "PRESETS", "Distribution", "Preset", "Structure"]
