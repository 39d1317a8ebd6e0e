"""The steps of a sync: resolve, locate, plan, download, publish. `run` calls them in order."""
