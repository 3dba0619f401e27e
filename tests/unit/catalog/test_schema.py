"""The tables of a catalog: what is refused as none of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeembed.catalog.database import CATALOG_NAME, Catalog, create_catalog
from edgeembed.catalog.schema import SCHEMA, expected_schema, full_text_tables, statements
from edgeembed.catalog.sqlite import connect, in_memory
from edgeembed.errors import IndexCorruptError


def test_single_statements_make_the_same_tables_as_the_whole() -> None:
    db = in_memory()
    for statement in statements(SCHEMA):
        db.execute(statement)
    assert {row[0] for row in db.execute("SELECT name FROM sqlite_master")} >= {row[1] for row in expected_schema()}
    assert sorted(full_text_tables(db)) == ["names", "words"]
    db.close()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TRIGGER t AFTER INSERT ON chunks BEGIN DELETE FROM documents; END",
        "CREATE VIEW v AS SELECT * FROM documents",
        "CREATE TABLE more (a)",
        "DROP INDEX chunks_by_content",
        "ALTER TABLE files ADD COLUMN more",
        "PRAGMA application_id = 7",
    ],
)
def test_a_catalog_with_other_tables_is_refused(tmp_path: Path, sql: str) -> None:
    create_catalog(tmp_path, {})
    db = connect(tmp_path / CATALOG_NAME)
    db.execute(sql)
    db.close()
    with pytest.raises(IndexCorruptError, match=r"not an edgeembed catalog|not those of an edgeembed catalog"):
        Catalog(tmp_path)


def test_statistics_of_the_query_planner_do_no_harm(tmp_path: Path) -> None:
    create_catalog(tmp_path, {})
    db = connect(tmp_path / CATALOG_NAME)
    db.execute("ANALYZE")
    db.close()
    Catalog(tmp_path).close()
