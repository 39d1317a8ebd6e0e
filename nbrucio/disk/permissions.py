"""Copy access rights between files (owner, group, mode, POSIX ACL, extended attributes), and create private folders."""

from __future__ import annotations

import errno
import os
import stat
import struct
from contextlib import suppress
from pathlib import Path

_ACL = "system.posix_acl_access"
#: Layout of that attribute (linux/posix_acl_xattr.h): a version, then tag, permissions and id of each entry.
_VERSION, _HEAD, _ENTRY = 2, struct.Struct("<I"), struct.Struct("<HHI")
_USER_OBJ, _USER, _GROUP_OBJ, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NOBODY = 0xFFFFFFFF
_READ = 4

_REFUSALS = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)

_Entry = tuple[int, int, int]


def copy_access(source: int, target: int) -> bool:
    """Copy all access rights of the open file ``source`` to the open file ``target``.

    Returns:
        Whether ``target`` has them all. Always False on systems without `os.listxattr` (macOS).
    """
    if not hasattr(os, "listxattr"):
        return False
    model = os.fstat(source)
    try:
        _copy_owner(model, target)
        _copy_attributes(_attributes(source), target)
        os.fchmod(target, stat.S_IMODE(model.st_mode))
        return _same_owner(model, os.fstat(target)) and _attributes(source) == _attributes(target)
    except OSError:  # rights that cannot be read or set count as different
        return False


def share_like(source: int, target: int) -> bool:
    """Give the new file ``target``, of mode 0600, the read and write permissions of ``source``, and no others.

    If it cannot get the group of ``source``, its group gets the permissions of others. If the owner of ``source`` is
    another user, an ACL entry names that user.

    Returns:
        Whether the owner of ``source`` can read ``target``. Otherwise remove it.
    """
    model = os.fstat(source)
    with suppress(OSError):
        _copy_owner(model, target)
    with suppress(OSError, AttributeError):  # the default ACL of the folder
        os.removexattr(target, _ACL)
    made, mode = os.fstat(target), stat.S_IMODE(model.st_mode) & 0o666
    acl = _acl(source)
    if made.st_uid == model.st_uid and made.st_gid == model.st_gid and acl is None:
        os.fchmod(target, mode)
        return True
    entries = list(acl or _entries_of(mode))
    if made.st_gid != model.st_gid:
        entries = [(tag, mode & 7 if tag == _GROUP_OBJ else allowed, who) for tag, allowed, who in entries]
    if made.st_uid != model.st_uid:
        entries = _with_user(entries, model.st_uid)
    try:
        _set_acl(target, entries)
    except (OSError, AttributeError):  # no ACLs here
        mode = mode if made.st_gid == model.st_gid else mode & 0o606 | (mode & 0o006) << 3
        os.fchmod(target, mode)
        return acl is None and (made.st_uid == model.st_uid or bool(mode & 0o044))
    mask = next((allowed for tag, allowed, _ in entries if tag == _MASK), _READ)
    return made.st_uid == model.st_uid or bool(mask & _READ)


def _copy_owner(model: os.stat_result, target: int) -> None:
    made = os.fstat(target)
    if made.st_uid != model.st_uid:
        with suppress(PermissionError):  # only root can change the owner
            os.fchown(target, model.st_uid, -1)
    if made.st_gid != model.st_gid:
        os.fchown(target, -1, model.st_gid)


def _same_owner(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_uid, one.st_gid, one.st_mode) == (other.st_uid, other.st_gid, other.st_mode)


def _attributes(file: int) -> dict[str, bytes]:
    try:
        return {name: os.getxattr(file, name) for name in os.listxattr(file)}
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return {}
        raise


def _copy_attributes(wanted: dict[str, bytes], target: int) -> None:
    present = _attributes(target)
    for name in present.keys() - wanted.keys():  # such as a default ACL of the folder
        os.removexattr(target, name)
    for name, value in wanted.items():
        if present.get(name) != value:
            os.setxattr(target, name, value)


def _acl(file: int) -> list[_Entry] | None:
    """Return the entries of the ACL of a file; None if it has its mode only."""
    try:
        raw = os.getxattr(file, _ACL)
    except (OSError, AttributeError):
        return None
    return [_ENTRY.unpack_from(raw, at) for at in range(_HEAD.size, len(raw), _ENTRY.size)]


def _set_acl(file: int, entries: list[_Entry]) -> None:
    packed = b"".join(_ENTRY.pack(*entry) for entry in sorted(entries, key=lambda entry: (entry[0], entry[2])))
    os.setxattr(file, _ACL, _HEAD.pack(_VERSION) + packed)


def _entries_of(mode: int) -> list[_Entry]:
    return [(tag, mode >> shift & 7, _NOBODY) for tag, shift in ((_USER_OBJ, 6), (_GROUP_OBJ, 3), (_OTHER, 0))]


def _with_user(entries: list[_Entry], owner: int) -> list[_Entry]:
    """Return ``entries`` plus an entry that gives ``owner`` the permissions of the owning user."""
    by_tag = {tag: allowed for tag, allowed, _ in entries}
    kept = [entry for entry in entries if entry[:1] + entry[2:] != (_USER, owner)]
    # An existing mask limits other entries too, so it stays. Without one the entry of the group is its own limit.
    mask = [] if _MASK in by_tag else [(_MASK, by_tag[_USER_OBJ] | by_tag[_GROUP_OBJ], _NOBODY)]
    return [*kept, (_USER, by_tag[_USER_OBJ], owner), *mask]


def restrict(target: Path | int, mode: int) -> None:
    """Set the mode of a new file or folder of ours, whatever the umask.

    Some file systems (FUSE, CIFS) refuse this. That is an error only if the new file or folder is less private than
    ``mode``.

    Raises:
        OSError: it fails, and others may do more than ``mode`` allows.
    """
    try:
        os.chmod(target, mode)  # noqa: PTH101 - a descriptor, too
    except OSError as error:
        wider = stat.S_IMODE(os.stat(target).st_mode) & ~mode  # noqa: PTH116
        if wider or error.errno not in _REFUSALS:
            raise


def make_private_folder(path: Path) -> None:
    """Create the folder ``path`` and its missing parents with mode 0700, whatever the umask. Existing ones stay.

    Raises:
        OSError: a folder cannot be created.
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if not path.is_dir():
            raise
    except FileNotFoundError:
        make_private_folder(path.parent)  # another process may have created it by now
        path.mkdir(mode=0o700, exist_ok=True)
        restrict(path, 0o700)
    else:
        restrict(path, 0o700)
