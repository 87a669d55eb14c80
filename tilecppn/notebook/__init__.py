"""For notebooks: the Sampler class of the original posts, trained models, and rich displays."""
