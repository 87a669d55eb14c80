"""Storage: the Zarr store, its OME-Zarr metadata, locks, and durable writes."""
