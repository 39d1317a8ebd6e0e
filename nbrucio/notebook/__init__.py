"""Reads notebooks, and edits their declaration without touching another byte."""
