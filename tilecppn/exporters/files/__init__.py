"""Exports as one image file: PNG, TIFF, JPEG, WebP, AVIF, JPEG XL, OpenEXR, PDF."""
