"""The story of a sync: resolve, locate, plan, download, publish. `run` tells it."""
