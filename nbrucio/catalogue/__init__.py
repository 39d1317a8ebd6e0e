"""The catalogue: what an instance knows of DIDs, files and replicas."""

from nbrucio.catalogue.base import Catalogue, CatalogueFactory, DidFacts, FileEntry, Replica, unique_files

__all__ = ["Catalogue", "CatalogueFactory", "DidFacts", "FileEntry", "Replica", "unique_files"]
