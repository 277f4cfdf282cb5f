"""Prints a Delta table as delta-rs reads it: a JSON object of facts, then one JSON row a line.

Arguments: the table's folder, and a JSON array of filters (column, operator, value) or null.
"""

import datetime
import json
import os
import sys

from deltalake import DeltaTable

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def plain(value):
    """Times as microseconds since the epoch, dates as ISO text, maps as objects."""
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // datetime.timedelta(microseconds=1)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(item, tuple) for item in value):
            return {key: plain(item) for key, item in value}
        return [plain(item) for item in value]
    return value


def main():
    table = DeltaTable(sys.argv[1])
    filters = json.loads(sys.argv[2])
    found = table.to_pyarrow_table(filters=[tuple(f) for f in filters] if filters else None)
    facts = {"version": table.version(), "files": len(table.file_uris()), "rows": found.num_rows}
    print(json.dumps(facts))
    if not filters:
        for row in found.to_pylist():
            print(json.dumps(plain(row)))


main()
sys.stdout.flush()
# delta-rs and Arrow can hang or abort in their own threads while the interpreter winds down.
os._exit(0)
