"""The server extension for Jupyter, and the provisioner that loads the gate into kernels.

Modules are imported only when Jupyter asks for them.
"""
