"""Files on disk: size-limited reads, atomic writes, locks and access rights."""
