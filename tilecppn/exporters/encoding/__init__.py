"""Encodes pixels and text as bytes: PNG, deflate, JPEG, WebP, AVIF, colour profiles, credits."""
