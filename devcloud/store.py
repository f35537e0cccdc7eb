"""Where devcloud remembers: JSON documents in memory, mirrored to a SQLite file."""

import sqlite3
from bisect import bisect_left, insort
from pathlib import Path
from typing import Any

import msgspec

Document = dict[str, Any]

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS documents "
    "(collection TEXT, key TEXT, document TEXT NOT NULL, PRIMARY KEY (collection, key)) WITHOUT ROWID"
)
_WRITE = "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)"
_ERASE = "DELETE FROM documents WHERE collection = ? AND key = ?"


class Store:
    """Collections of documents by key. What goes in and what comes out are copies: nobody can change a stored document
    but by `put`. They are kept as encoded JSON, which is how they are copied too. To be touched on the event loop's
    thread only.

    Memory is the truth while the process lives. Changes reach the file with `flush`, which the server calls several
    times a second, and with `close`; with no path nothing is ever written.
    """

    def __init__(self, path: Path | None) -> None:
        self._documents: dict[str, dict[str, bytes]] = {}
        self._keys: dict[str, list[str]] = {}
        self._dirty: dict[tuple[str, str], None] = {}
        self._database = None if path is None else sqlite3.connect(path)
        if self._database:
            self._open(self._database)

    def get(self, collection: str, key: str) -> Document | None:
        document = self._documents.get(collection, {}).get(key)
        return None if document is None else _decoded(document)

    def put(self, collection: str, key: str, document: Document) -> None:
        self._keep(collection, key, msgspec.json.encode(document))
        self._dirty[collection, key] = None

    def delete(self, collection: str, key: str) -> None:
        """The document is gone; that it never was is fine too."""
        if self._documents.get(collection, {}).pop(key, None) is None:
            return
        keys = self._keys[collection]
        del keys[bisect_left(keys, key)]
        self._dirty[collection, key] = None

    def items(self, collection: str, prefix: str = "") -> list[tuple[str, Document]]:
        """Key and document of those whose key starts with `prefix`, in the order of the keys."""
        documents = self._documents.get(collection, {})
        return [(key, _decoded(documents[key])) for key in self._range(collection, prefix)]

    def first(self, collection: str) -> tuple[str, Document] | None:
        """The one with the lowest key: what is due next, in a collection keyed by time."""
        keys = self._keys.get(collection)
        return (keys[0], _decoded(self._documents[collection][keys[0]])) if keys else None

    def collections(self) -> list[str]:
        return sorted(name for name, documents in self._documents.items() if documents)

    def clear(self) -> None:
        """Nothing is left in any collection."""
        for collection in self.collections():
            for key in list(self._keys[collection]):
                self.delete(collection, key)

    def flush(self) -> None:
        """The file holds what memory holds."""
        if not self._database or not self._dirty:
            return
        dirty, self._dirty = self._dirty, {}
        found = [(name, key, self._documents.get(name, {}).get(key)) for name, key in dirty]
        with self._database as transaction:
            transaction.executemany(_WRITE, [(n, k, d.decode()) for n, k, d in found if d is not None])
            transaction.executemany(_ERASE, [(n, k) for n, k, d in found if d is None])

    def close(self) -> None:
        self.flush()
        if self._database:
            self._database.close()
            self._database = None

    def _open(self, database: sqlite3.Connection) -> None:
        # A power cut may cost the file's last second; a killed process costs nothing that was flushed.
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = OFF")
        database.execute(_SCHEMA)
        for collection, key, document in database.execute("SELECT collection, key, document FROM documents"):
            self._keep(collection, key, document.encode())

    def _keep(self, collection: str, key: str, document: bytes) -> None:
        documents = self._documents.setdefault(collection, {})
        if key not in documents:
            insort(self._keys.setdefault(collection, []), key)
        documents[key] = document

    def _range(self, collection: str, prefix: str) -> list[str]:
        keys = self._keys.get(collection, [])
        start = bisect_left(keys, prefix)
        end = bisect_left(keys, prefix + "\U0010ffff") if prefix else len(keys)
        return keys[start:end]


def _decoded(document: bytes) -> Document:
    found: Document = msgspec.json.decode(document)
    return found
