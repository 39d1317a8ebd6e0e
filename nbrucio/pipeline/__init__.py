"""The steps of a sync: resolve, locate, plan, download, publish. `run` has them in order."""
