"""The tables of the history, and how an older file becomes one of today. Pure.

`beat` holds the samples since the last chunk was closed, a row each, written and durable one by one; `chunk` the ones
before, compressed together. `minute` and `hour` are roll-ups of the chunks' samples; those of the beats are made when
they are read. `hook_alert` is what each hook knows of an alert, `hook_message` what it was told, or is to be told
where it is not `settled`; `acknowledgement` says who sees to an alert. `temp_location` is a Connection's location for
temporary tables, `temp_table` a table in it and when it was first seen. To change the tables, add a migration to the
end, never change one.
"""

from __future__ import annotations

APPLICATION_ID = 0x70676863  # "pghc": what tells the file from other databases

_ROLLUP = """
  series INTEGER NOT NULL REFERENCES series (id),
  at INTEGER NOT NULL,
  samples INTEGER NOT NULL,
  unseen INTEGER NOT NULL,
  minimum INTEGER,
  total INTEGER NOT NULL,
  maximum INTEGER,
  last INTEGER,
  active INTEGER,
  idle INTEGER,
  idle_in_transaction INTEGER,
  other INTEGER,
  unknown INTEGER,
  least_stale INTEGER,
  bound INTEGER,
  headroom INTEGER,
  least_headroom INTEGER,
  oldest_idle_in_transaction_s REAL,
  opened_per_minute REAL,
  PRIMARY KEY (series, at)
"""
COLUMNS = tuple(line.split()[0] for line in _ROLLUP.strip().splitlines()[:-1])

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE series (
             id INTEGER PRIMARY KEY,
             kind TEXT NOT NULL CHECK (kind IN ('connection', 'server')),
             key TEXT NOT NULL,
             name TEXT NOT NULL,
             UNIQUE (kind, key)
           ) STRICT""",
        """CREATE TABLE beat (
             seq INTEGER PRIMARY KEY AUTOINCREMENT,
             chunk INTEGER NOT NULL,
             at REAL NOT NULL,
             line TEXT NOT NULL
           ) STRICT""",
        """CREATE TABLE chunk (
             seq INTEGER PRIMARY KEY,
             last_seq INTEGER NOT NULL,
             began REAL NOT NULL,
             ended REAL NOT NULL,
             lines BLOB NOT NULL
           ) STRICT""",
        "CREATE INDEX chunk_by_time ON chunk (ended)",
        f"CREATE TABLE minute ({_ROLLUP}) STRICT, WITHOUT ROWID",
        f"CREATE TABLE hour ({_ROLLUP}) STRICT, WITHOUT ROWID",
        """CREATE TABLE alert (
             id INTEGER PRIMARY KEY,
             kind TEXT NOT NULL,
             subject TEXT NOT NULL,
             level TEXT NOT NULL,
             sentence TEXT NOT NULL,
             since REAL NOT NULL,
             seen REAL NOT NULL,
             ended REAL
           ) STRICT""",
        "CREATE INDEX alert_by_time ON alert (since)",
        "CREATE INDEX alert_that_stands ON alert (kind, subject) WHERE ended IS NULL",
        """CREATE TABLE restart (
             server TEXT NOT NULL,
             started REAL NOT NULL,
             seen REAL NOT NULL,
             PRIMARY KEY (server, started)
           ) STRICT, WITHOUT ROWID""",
    ),
    (
        """CREATE TABLE hook_alert (
             hook TEXT NOT NULL,
             kind TEXT NOT NULL,
             subject TEXT NOT NULL,
             level TEXT NOT NULL,
             sentence TEXT NOT NULL,
             since REAL NOT NULL,
             seen REAL NOT NULL,
             critical_since REAL,
             gone REAL,
             told TEXT,
             told_at REAL NOT NULL,
             PRIMARY KEY (hook, kind, subject)
           ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE hook_message (
             id TEXT PRIMARY KEY,
             hook TEXT NOT NULL,
             kind TEXT NOT NULL,
             subject TEXT NOT NULL,
             made REAL NOT NULL,
             content TEXT NOT NULL,
             attempts INTEGER NOT NULL,
             tried REAL,
             settled REAL,
             delivered INTEGER,
             error TEXT NOT NULL
           ) STRICT""",
        "CREATE INDEX hook_message_by_time ON hook_message (hook, settled)",
        """CREATE TABLE acknowledgement (
             kind TEXT NOT NULL,
             subject TEXT NOT NULL,
             level TEXT NOT NULL,
             by TEXT NOT NULL,
             at REAL NOT NULL,
             until REAL,
             PRIMARY KEY (kind, subject)
           ) STRICT, WITHOUT ROWID""",
    ),
    (
        # IF NOT EXISTS: for an hour these were a part of the migration before.
        """CREATE TABLE IF NOT EXISTS temp_location (
             id INTEGER PRIMARY KEY,
             server TEXT NOT NULL,
             database TEXT NOT NULL,
             location TEXT NOT NULL,
             in_database TEXT NOT NULL,
             schema TEXT NOT NULL,
             found INTEGER NOT NULL,
             total INTEGER NOT NULL,
             left_out INTEGER NOT NULL,
             looked REAL,
             error TEXT NOT NULL,
             UNIQUE (server, database, location)
           ) STRICT""",
        """CREATE TABLE IF NOT EXISTS temp_table (
             location INTEGER NOT NULL,
             oid INTEGER NOT NULL,
             name TEXT NOT NULL,
             kind TEXT NOT NULL,
             bytes INTEGER NOT NULL,
             estimated INTEGER NOT NULL,
             first_seen REAL NOT NULL,
             created_after REAL,
             PRIMARY KEY (location, oid)
           ) STRICT, WITHOUT ROWID""",
    ),
)
VERSION = len(MIGRATIONS)
