"""Emotionet: a decentralized registry of labeled images and of the models trained on them.

Importing this package loads nothing else; `registry.assembly` is where parts are put together.
"""

__version__ = "0.1.0"
