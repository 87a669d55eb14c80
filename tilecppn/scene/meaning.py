"""A description of each key of a scene file, for the documentation and the studio."""

from typing import Final

# Defaults and allowed values are in `tilecppn.scene.sections`.
MEANING: Final[dict[str, str]] = {
    "cppn.preset": "The network's structure, weight distribution, view and colours.",
    "cppn.seed": "Seed of the weights: another number, another picture.",
    "cppn.channels": "1 for grey or a palette, 3 for colour.",
    "cppn.width": "Units of each hidden layer.",
    "cppn.depth": "Number of hidden layers; the preset's activations repeat or are cut.",
    "cppn.z_dim": "Length of the latent vector.",
    "cppn.activations": "One activation for each hidden layer, the first included.",
    "cppn.inputs": 'What the first layer sees; `"one"` is a constant.',
    "cppn.residual": "Add each hidden layer's input to its output.",
    "cppn.gain": "Presets with detail: how much finer each layer is than the one before.",
    "cppn.decay": "Presets with detail: strength left one octave of detail later; one number, or "
    "one for colour and one for lightness.",
    "cppn.contrast": "Presets with detail: how strongly the picture uses its range; one number, or "
    "one for colour and one for lightness.",
    "cppn.cross": "Take that share of units from the network of another seed.",
    "cppn.mutations": "Small changes, one after another: a list of seed and amount, 0 to 1.",
    "cppn.weights": "A weights file (safetensors) instead of preset and seed, relative to the "
    "scene file.",
    "latent.seed": "Seed of the latent: nearby forms of the same network.",
    "latent.z": "The latent itself, or a named one of a file written by `tc.save_latents`.",
    "latent.sum": "A sum of latents instead, as in seed1 + 0.5 * (seed2 - seed3).",
    "canvas.width": "Width in pixels.",
    "canvas.height": "Height in pixels.",
    "canvas.print": "Size on paper, instead of width and height.",
    "canvas.dpi": "Pixels per inch on paper, 300 unless given.",
    "canvas.bleed": "Added on every side; the picture continues into it.",
    "canvas.crop": "Left, top, width and height of the part to draw, as parts of the canvas.",
    "view.center": "The point of the plane at the middle of the canvas; y points down.",
    "view.scale": "Plane units from the centre to the nearer edge: smaller is closer.",
    "view.rotation": "Degrees; turns the picture counter-clockwise.",
    "view.aspect": '`"preserve"` keeps circles round; with `"stretch"` each axis spans ±scale.',
    "view.grid": '`"centers"` samples pixel centres; with `"endpoints"` the first and last pixel '
    "lie on ±scale.",
    "view.swap": "Swap the axes: x runs down and y to the right.",
    "view.mirror": "Reflect the picture: left and right, up and down, or both.",
    "view.radial": "A kaleidoscope with this many sectors; not with mirror or repeat.",
    "view.repeat": "Make the edges match, for seamless wallpaper.",
    "output.dtype": "Type of a stored value.",
    "output.tolerance": "Largest interpolation error in steps of the output (1/255 for uint8, "
    "1/65535 otherwise); 0 evaluates the network at every pixel.",
    "output.precision": '`"fast"` uses an approximate tanh (CUDA only).',
    "output.supersample": "n × n samples a pixel.",
    "output.dither": '`"noise"` rounds up or down by a fixed noise, against banding.',
    "output.color": 'What three channels mean; `"hsv"` is hue, saturation and value, `"oklch"` '
    "lightness, chroma and hue.",
    "output.profile": "The colour space of the pixels, which exported files carry.",
    "output.palette": "Colours for one channel or two: a list, evenly spaced or each with its "
    'place, as in `"#0b1d51 30%"`; a colour map\'s name; `"seed:12"`; or the main colours of a '
    'picture, `"photo.jpg"`.',
    "output.shadow": "Two-channel networks: the colour that the palette darkens to.",
    "output.shade": "Two-channel networks: how much of the shadow is mixed in, 0 to 1.",
    "output.glow": "Two-channel networks: how much brighter the brightest places are.",
    "output.invert": "Invert every channel.",
    "output.shrink": 'What smaller levels are means of: stored values, or with `"linear"` their '
    "light, which keeps fine patterns as bright as they are (integers only).",
    "output.tile": "Side of a tile in pixels, the smallest square that can be read.",
    "output.shard": "Side of a shard in pixels, the unit of work; a power-of-two multiple of tile.",
    "about.title": "Title of the picture, in files and on pages.",
    "about.artist": "Who made it.",
    "about.copyright": "The copyright notice, such as © 2026 A. Person.",
    "about.licence": "What others may do with it: a name or an address.",
    "about.description": "A description of the picture, of any length up to 4,000 characters.",
    "about.share_scene": "Whether files and pages carry the scene; with it anybody can draw the "
    "picture again.",
}
