"""The CPPN as a function: network, activations, presets, seeds, weights file."""

from tilecppn.cppn.activations import ACTIVATIONS
from tilecppn.cppn.network import CPPN
from tilecppn.cppn.presets import PRESETS, Preset
from tilecppn.cppn.seeding import Distribution
from tilecppn.cppn.structure import Structure

__all__ = ["ACTIVATIONS", "CPPN", "PRESETS", "Distribution", "Preset", "Structure"]
