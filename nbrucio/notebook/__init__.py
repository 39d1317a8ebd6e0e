"""Reads notebooks, and edits their declaration without changing another byte."""
