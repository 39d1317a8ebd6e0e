"""The version, in a module that may be asked from everywhere: the package itself stands above all rooms."""

__version__ = "0.1.0"
