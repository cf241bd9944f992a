"""Rows that are written once: history that nobody can rewrite through the model."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models


class RewriteError(TypeError):
    """Code tried to change or delete a row that is kept as it was written."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """Reads and inserts; refuses the rest."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise RewriteError(f"{self.model.__name__} rows are never changed.")

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        self.update()

    def delete(self) -> NoReturn:
        raise RewriteError(f"{self.model.__name__} rows are never deleted.")


class AppendOnlyManager(models.Manager[Any]):
    """Hands out such query sets."""

    def get_queryset(self) -> AppendOnlyQuerySet:
        return AppendOnlyQuerySet(self.model, using=self._db)


class AppendOnlyModel(models.Model):
    """A row that can be inserted and read, and nothing else."""

    objects = AppendOnlyManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise RewriteError(f"{type(self).__name__} rows are never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RewriteError(f"{type(self).__name__} rows are never deleted.")
