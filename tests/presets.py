"""Presets for tests that run over all of them: some in the fast lane, others in the slow one."""

import pytest

from tilecppn.cppn import PRESETS

# One of each structure: plain, residual, sines, several inputs, and detail with mixtures.
QUICK = {"hardmaru", "hardmaru-residual", "flux", "guibas", "ink"}
ALL = [
    name if name in QUICK else pytest.param(name, marks=pytest.mark.slow, id=name)
    for name in PRESETS
]
