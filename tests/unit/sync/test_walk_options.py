"""What is taken in, as a setting of an index."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeembed.catalog import settings
from edgeembed.catalog.database import Catalog, create_catalog
from edgeembed.sync.walk_options import WalkOptions, options_at


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (WalkOptions(hidden=True, ignore=False, follow=True).to_setting(), WalkOptions(True, False, True)),
        ('{"hidden": true, "from a newer version": 1}', WalkOptions(hidden=True)),
        ('{"hidden": "yes", "ignore": 0}', WalkOptions()),
    ],
)
def test_what_was_stored_is_read(tmp_path: Path, stored: str, expected: WalkOptions) -> None:
    create_catalog(tmp_path, {})
    catalog = Catalog(tmp_path)
    with catalog.write() as transaction:
        transaction.set(settings.WALK, stored)
    catalog.close()
    assert options_at(tmp_path) == expected


def test_without_an_index_there_are_the_defaults(tmp_path: Path) -> None:
    assert options_at(tmp_path) == WalkOptions()
    create_catalog(tmp_path, {})
    assert options_at(tmp_path) == WalkOptions()
