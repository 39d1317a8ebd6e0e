"""Mounts: where a PFN is on this machine, and that it is never elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrucio.config import Instance, Mount

# The third column is what rucio-jupyterlab computes with its settings rse_mount_path and path_begins_at.
BEGINS_AT = [
    (0, "root://eos.example:1094//eos/rucio/a/f.root", "/m/eos/rucio/a/f.root"),
    (1, "root://eos.example:1094//eos/rucio/a/f.root", "/m/rucio/a/f.root"),
    (2, "davs://eos.example:443/eos/rucio/a/f.root", "/m/a/f.root"),
    (4, "file://localhost/srv/x/y/z/a/f.root", "/m/a/f.root"),
    (9, "https://eos.example/eos/f.root", "/m/f.root"),
    (1, "https://s3.example/bucket/f.root?X-Amz-Signature=a/b", "/m/f.root"),
    (1, "file://localhost/srv/what?.root", "/m/what?.root"),
    (1, "/srv/f.root", "/m/f.root"),
    (1, "root://eos.example//eos/rucio//double/f.root", "/m/rucio/double/f.root"),
    (1, "https://eos.example/eos/per%2Fcent", "/m/per%2Fcent"),
]


@pytest.mark.parametrize(("begins_at", "pfn", "path"), BEGINS_AT)
def test_a_mount_follows_the_rule_of_rucio_jupyterlab(begins_at: int, pfn: str, path: str) -> None:
    assert Mount("R", Path("/m"), begins_at, None).local_path(pfn) == Path(path)


@pytest.mark.parametrize(
    ("pfn", "path"),
    [
        ("root://eos.example//eos/rucio/a/f.root", "/m/a/f.root"),
        ("root://eos.example//eos/rucio/a/f.root?oss.x=1", "/m/a/f.root"),
        ("root://eos.example//eos/rucio2/a/f.root", None),
        ("root://eos.example//eos/rucio/", None),
        ("root://other.example//eos/rucio/a/f.root", None),
    ],
)
def test_a_mount_with_a_prefix_replaces_it(pfn: str, path: str | None) -> None:
    mount = Mount("R", Path("/m"), None, "root://eos.example//eos/rucio")
    assert mount.local_path(pfn) == (Path(path) if path else None)


@pytest.mark.parametrize("pfn", ["", "/", "file://h/a/../../b", "file://h/..", "file://h/a/b\0c", "root://h"])
def test_a_pfn_that_leads_nowhere_or_elsewhere_is_on_no_mount(pfn: str) -> None:
    assert Mount("R", Path("/m"), 0, None).local_path(pfn) is None


@given(st.text(alphabet=st.sampled_from("/.a:?\0\\~$%")), st.integers(0, 4), st.sampled_from([None, "file://h/a"]))
def test_no_pfn_leads_out_of_a_mount(tail: str, begins_at: int, prefix: str | None) -> None:
    path = Mount("R", Path("/m/n"), None if prefix else begins_at, prefix).local_path("file://h/a" + tail)
    assert path is None or (Path("/m/n") in path.parents and ".." not in path.parts)


def test_an_instance_looks_only_at_mounts_of_the_rse() -> None:
    mounts = (Mount("A", Path("/a"), 0), Mount("B", Path("/b"), None, "file://h/x/"), Mount("B", Path("/c"), 0))
    instance = Instance("i", "i", "http://h", "http://h", "gss", mounts=mounts)
    assert instance.local_path("A", "file://h/x/f") == Path("/a/x/f")
    assert instance.local_path("B", "file://h/x/f") == Path("/b/f")
    assert instance.local_path("B", "file://h/y/f") == Path("/c/y/f")
    assert instance.local_path("C", "file://h/x/f") is None
