"""Every route below ``/nbrucio/`` and its handler."""

from __future__ import annotations

from nbrucio.jupyter import explore_handlers, handlers, upload_handlers

ROUTES = {**handlers.ROUTES, **explore_handlers.ROUTES, **upload_handlers.ROUTES}
