"""Configuration: instances, mounts and policy, in layers (operator < user < environment).

`load` reads it, once, into frozen values; nothing else in nbrucio reads configuration files.
"""

from nbrucio.config.load import SYSTEM_FILE, load
from nbrucio.config.sizes import parse_size
from nbrucio.config.values import AUTH_TYPES, Config, Credentials, Fault, Instance, Mount, Policy

__all__ = [
    "AUTH_TYPES",
    "SYSTEM_FILE",
    "Config",
    "Credentials",
    "Fault",
    "Instance",
    "Mount",
    "Policy",
    "load",
    "parse_size",
]
