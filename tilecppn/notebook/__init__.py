"""Notebook support: the Sampler class of the original posts, trained models, rich displays."""
