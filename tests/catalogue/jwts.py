"""Tokens for tests. nbrucio verifies none: it reads for whom they are and when they end."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode

LATER = time.time() + 3600


def jwt(**claims: object) -> str:
    """A JWT with these claims and a signature that nobody checks."""
    parts = ({"alg": "none"}, {"exp": LATER, **claims})
    return ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".c2ln"
