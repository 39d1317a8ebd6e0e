"""The face in Jupyter: a server extension, and the provisioner that loads the gate into kernels.

Nothing here is imported before Jupyter asks for it.
"""
