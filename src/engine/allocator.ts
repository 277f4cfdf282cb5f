/**
 * Must be imported before the engine's library loads. The engine's allocator keeps freed memory for each thread for ten
 * seconds, and threads of Node's pool never give theirs back: a compaction of five million rows then peaks at 1.2 GB
 * instead of 0.7 GB, for no measurable gain in speed.
 */
process.env.DUCKDB_JE_MALLOC_CONF ??= 'dirty_decay_ms:0,muzzy_decay_ms:0'
