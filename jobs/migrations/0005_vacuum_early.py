"""The queue is a table that keeps its history: by default PostgreSQL would wait for a fifth of that to be dead.

Meanwhile every claim at the head of the queue passes by all that were ever ready and taken since.
"""

from django.db import migrations

SETTINGS = {"autovacuum_vacuum_scale_factor": "0.01", "autovacuum_vacuum_threshold": "2000"}


def vacuum_early(apps, schema_editor):
    settings = ", ".join(f"{name} = {value}" for name, value in SETTINGS.items())
    _alter(schema_editor, f"SET ({settings})")


def vacuum_as_usual(apps, schema_editor):
    _alter(schema_editor, f"RESET ({', '.join(SETTINGS)})")


def _alter(schema_editor, change):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"ALTER TABLE jobs_run {change}")


class Migration(migrations.Migration):
    dependencies = [("jobs", "0004_plain_numbers")]

    operations = [migrations.RunPython(vacuum_early, vacuum_as_usual)]
