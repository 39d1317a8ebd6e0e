"""Files on disk: read bounded, replaced whole, locked, with the rights that they had."""
