"""Configuration: instances, mounts and policy, in layers (operator < user < environment).

`load` reads it, once, into frozen values; nothing else in nbrucio reads configuration files.
"""

from nbrucio.config.values import AUTH_TYPES, Config, Credentials, Fault, Instance, Mount, Policy

__all__ = ["AUTH_TYPES", "Config", "Credentials", "Fault", "Instance", "Mount", "Policy"]
