"""Rules over records by pySigma's SQLite backend: `python pysigma.py RULES EVENTS`, with files and answers as rsigma-peer has them."""
import json
import re
import sqlite3
import sys

from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection


def main(rules_path, events_path):
    with open(rules_path, encoding="utf-8") as file:
        texts = json.load(file)
    with open(events_path, encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    names = sorted({name for record in records for name in record})
    db = sqlite3.connect(":memory:")
    db.create_function("REGEXP", 2, lambda pattern, value: value is not None and re.search(pattern, str(value)) is not None)
    # The standard compares without case; the backend leaves that to the table.
    columns = ", ".join(f"`{name}` COLLATE NOCASE" for name in names)
    db.execute(f"CREATE TABLE logs (record INTEGER, {columns})")
    marks = ", ".join("?" for _ in range(len(names) + 1))
    for at, record in enumerate(records):
        db.execute(f"INSERT INTO logs VALUES ({marks})", [at, *(record.get(name) for name in names)])
    refused, found = {}, {}
    for at, text in enumerate(texts):
        try:
            queries = sqliteBackend().convert(SigmaCollection.from_yaml(text))
            rows = set()
            for query in queries:
                where = query.split(" WHERE ", 1)[1]
                rows.update(row for (row,) in db.execute(f"SELECT record FROM logs WHERE {where}"))
            found[at] = sorted(rows)
        except Exception as error:  # Whatever it says is the reason.
            refused[str(at)] = f"{type(error).__name__}: {error}"
    print(json.dumps({"refused": refused}))
    for at, rows in found.items():
        if rows:
            print(json.dumps({"rule": at, "events": rows}))


main(*sys.argv[1:])
