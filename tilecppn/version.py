"""The version; docs/stability.md says what it promises."""

VERSION = "0.1.0"
