"""Exports a notebook's data in other formats: citations, a metalink, an RO-Crate. One module per format."""
