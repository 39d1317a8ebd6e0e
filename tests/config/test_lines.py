"""The line of a setting in a configuration file."""

from __future__ import annotations

import pytest

from nbrucio.config.lines import ini_line, toml_line

TOML = '''default = "cms" # [no.table]
[instances.cms]
host = "https://x"
a.b = """
[instances.hidden]
host = 3
"""
list = [
  "]",
  'x', # host = 3
]
"we ird" = 1
[[instances.cms.mounts]]
rse = "A"
[[instances.cms.mounts]]
rse = "B"
path = "p"
[ instances . "a.b" ]
inline = { x = 1,
  y = 2 }
z = 3'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("default", 1),
        ("instances.cms", 2),
        ("instances.cms.host", 3),
        ("instances.cms.a.b", 4),
        ("instances.hidden.host", None),
        ("instances.cms.list", 8),
        ("instances.cms.we ird", 12),
        ("instances.cms.mounts", 13),
        ("instances.cms.mounts[0].rse", 14),
        ("instances.cms.mounts[1].rse", 16),
        ("instances.cms.mounts[1].path", 17),
        ("instances.cms.mounts[1].absent", 15),
        ("instances.a.b.inline.y", 19),
        ("instances.a.b.z", 21),
        ("absent", None),
    ],
)
def test_a_setting_has_a_line(key: str, line: int | None) -> None:
    assert toml_line(TOML, key) == line


def test_windows_lines_count_as_lines() -> None:
    assert toml_line(TOML.replace("\n", "\r\n"), "instances.a.b.z") == 21


@pytest.mark.parametrize("text", ["", "\n", "[", "]]", "= 3", '"', "'''", "a = [", "[[x]", "\\"])
def test_what_is_not_toml_has_no_lines(text: str) -> None:
    assert toml_line(text, "x.y") in (None, 1)


def test_a_setting_of_another_section_is_another_setting() -> None:
    text = "[trace]\naccount = no\n[client]\n# account = no\nauth = x\nAccount : jdoe\n"
    assert ini_line(text, "client", "account") == 6
    assert ini_line(text, "client", "absent") is None
