"""Storage: the Zarr store on a disk or in a bucket, its metadata, and who may write to it."""
