"""Notebooks, storage and Rucio servers that lie."""
