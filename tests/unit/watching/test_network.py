"""Network drives are known by the table of mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeembed.watching.network import network_drive


def line(point: str, kind: str) -> str:
    return f"36 35 98:0 / {point} rw,noatime master:1 - {kind} /dev/x rw,errors=continue\n"


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse.rclone", "vboxsf"])
def test_a_drive_that_others_write_to(tmp_path: Path, kind: str) -> None:
    mounts = tmp_path / "mountinfo"
    folder = tmp_path / "my drive" / "notes"
    folder.mkdir(parents=True)
    point = str((tmp_path / "my drive").resolve()).replace(" ", "\\040")
    mounts.write_text(line("/", "ext4") + line(point, kind))
    assert network_drive(folder, mounts) == kind
    assert network_drive(tmp_path, mounts) is None


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "tmpfs", "overlay", "fuseblk", "fuse.gocryptfs", "vfat", "apfs"])
def test_a_drive_of_this_machine(tmp_path: Path, kind: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(line("/", kind))
    assert network_drive(tmp_path, mounts) is None


def test_the_last_mount_hides_those_below(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    point = str(tmp_path.resolve())
    mounts.write_text(line(point, "nfs") + line(point, "ext4") + line(f"{point}-other", "cifs") + "nonsense\n")
    assert network_drive(tmp_path, mounts) is None


def test_without_a_table_nobody_can_tell(tmp_path: Path) -> None:
    assert network_drive(tmp_path, tmp_path / "missing") is None
