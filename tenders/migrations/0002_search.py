"""Full-text search on PostgreSQL: a column that follows `words` by itself, and its index. Nothing on SQLite."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def add(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(
        "ALTER TABLE tenders_tender ADD COLUMN search tsvector"
        " GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, words)) STORED"
    )
    schema_editor.execute("CREATE INDEX tender_search ON tenders_tender USING gin (search)")


def remove(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute("ALTER TABLE tenders_tender DROP COLUMN search")


class Migration(migrations.Migration):
    dependencies = [("tenders", "0001_initial")]
    operations = [migrations.RunPython(add, remove)]
