"""Configuration: instances, mounts and policy, in layers (operator < user < environment).

`load` reads it, once, into frozen values; nothing else in nbrucio reads configuration files.
"""

from nbrucio.config.load import SYSTEM_FILE, load
from nbrucio.config.mount import Mount
from nbrucio.config.values import AUTH_TYPES, Config, ConfigFault, Credentials, Instance, Policy

__all__ = [
    "AUTH_TYPES",
    "SYSTEM_FILE",
    "Config",
    "ConfigFault",
    "Credentials",
    "Instance",
    "Mount",
    "Policy",
    "load",
]
