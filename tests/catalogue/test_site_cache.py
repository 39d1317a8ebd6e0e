"""A site whose jobs read through an XCache: Rucio answers with PFNs through it where the client names its site."""

from __future__ import annotations

from contextlib import closing

import pytest

from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.config import Instance
from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox

CACHE = "xcache.example.org:1094"


@pytest.fixture(scope="module")
def site(sandbox: Sandbox) -> str:
    """The name of a site for which the sandbox's Rucio has a cache."""
    with sandbox.admin() as client:
        client.set_config_option("root-proxy-internal", "SITE_WITH_XCACHE", CACHE)
    return "SITE_WITH_XCACHE"


def test_pfns_lead_through_the_cache_of_the_named_site(instance: Instance, environ: dict[str, str], site: str) -> None:
    def pfns(**variables: str) -> set[str]:
        with closing(RucioCatalogue(instance, environ=environ | variables)) as catalogue:
            found = catalogue.replicas([Did("sandbox", "dimuon.1.root")])
            return {replica.pfn for _, replicas in found for replica in replicas}

    direct = {pfn for pfn in pfns() if pfn.startswith("https://")}
    assert direct
    assert {f"root://{CACHE}//{pfn}" for pfn in direct} <= pfns(SITE_NAME=site)
    assert {pfn for pfn in pfns(SITE_NAME="ANOTHER_SITE") if pfn.startswith("https://")} == direct
