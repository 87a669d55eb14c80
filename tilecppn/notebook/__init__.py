"""For notebooks: the Sampler of the original posts, trained models, and rich displays."""
