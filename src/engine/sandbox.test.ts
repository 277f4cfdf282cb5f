import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AppError, isAppError } from '../core/errors.ts'
import { Engine } from './duckdb.ts'
import { openSandbox, type QueryLimits, type Sandbox } from './sandbox.ts'
import { lit } from './sql.ts'

let dir: string
let data: string
let secret: string
let sandbox: Sandbox

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bricktrail-sandbox-'))
  data = join(dir, 'part-1.parquet')
  secret = join(dir, 'secret.parquet')
  const engine = await Engine.open()
  await engine.run(
    `COPY (SELECT range AS n, 'actor' || range % 7 AS actor FROM range(5000)) TO '${data}' (FORMAT parquet)`,
  )
  await engine.run(`COPY (SELECT 'hunter2' AS password) TO '${secret}' (FORMAT parquet)`)
  engine.close()
  await writeFile(join(dir, 'secret.csv'), 'password\nhunter2\n')
  sandbox = await openSandbox({
    relations: { events: `read_parquet(['${data}'])`, rejects: '(SELECT 1 AS line)' },
    allowedPaths: [data],
    memoryLimitMb: 256,
    tempDir: dir,
  })
})

afterAll(async () => {
  await sandbox.close()
  await rm(dir, { recursive: true, force: true })
})

async function failureOf(sql: string, limits: QueryLimits = {}): Promise<AppError> {
  const outcome = await sandbox.query(sql, { timeoutMs: 10_000, ...limits }).catch((cause: unknown) => cause)
  if (isAppError(outcome)) return outcome
  throw new Error(`${sql} was not refused: ${JSON.stringify(outcome).slice(0, 300)}`)
}

/** Every file under the folder with its size and digest, spill folders left out. */
async function filesIn(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const name of await readdir(folder, { recursive: true })) {
    if (name.startsWith('sandbox-')) continue
    const path = join(folder, name)
    const { size, isFile } = await stat(path).then((s) => ({ size: s.size, isFile: s.isFile() }))
    found[name] = isFile
      ? `${size} ${createHash('sha256')
          .update(await readFile(path))
          .digest('hex')}`
      : 'folder'
  }
  return found
}

describe('what a sandbox answers', () => {
  it('answers SELECT, DESCRIBE, SUMMARIZE, SHOW TABLES, EXPLAIN, WITH, VALUES and FROM', async () => {
    const answered = [
      'select count(*) as n from events',
      'describe events',
      'summarize events',
      'show tables',
      'explain select * from events',
      'with busy as (select actor from events group by actor) select count(*) from busy, rejects',
      'values (1), (2)',
      'from events limit 1',
      'select * from events e, unnest([1, 2]) u(x) limit 1;  -- a comment',
      "select '; -- /*' as text;;",
      '-- before\nselect 1 -- after',
      'select 1 as a, 2 as a, null, [], map {}',
      '(select 1) union all (select 2) order by 1',
      'describe',
      '/* x */ describe select * from events;',
      "pivot events on actor in ('actor1', 'actor2') using count(*)",
      'select * from main.events limit 1',
      'SELECT * FROM "Events" LIMIT 1',
      'select x from generate_series(1, 3) t(x)',
    ]
    for (const sql of answered) expect((await sandbox.query(sql)).columns.length, sql).toBeGreaterThan(0)
  })

  it('gives columns with types and rows as plain values', async () => {
    const answer = await sandbox.query(
      "select n, actor, timestamptz '2026-11-12 08:15:30.123Z' as at from events where n = 3",
    )
    expect(answer.columns).toEqual([
      { name: 'n', type: 'BIGINT' },
      { name: 'actor', type: 'VARCHAR' },
      { name: 'at', type: 'TIMESTAMP WITH TIME ZONE' },
    ])
    expect(answer.rows).toEqual([[3, 'actor3', '2026-11-12T08:15:30.123Z']])
    expect(answer.truncated).toBe(false)
  })

  it('tells two columns of one name apart', async () => {
    const { columns } = await sandbox.query('select 1 as a, 2 as a')
    expect(new Set(columns.map((column) => column.name)).size).toBe(2)
  })

  it('says what is wrong with a statement and where', async () => {
    expect(await failureOf('select *\nfrm events')).toMatchObject({ code: 'BAD_SQL', message: /line 2, column/ })
    expect(await failureOf('select nothing from events')).toMatchObject({
      code: 'BAD_SQL',
      message: /"nothing" not found/,
    })
    expect(await failureOf("select 'x'::int")).toMatchObject({ code: 'BAD_SQL' })
    expect(await failureOf('')).toMatchObject({ code: 'BAD_SQL', message: 'There is no statement.' })
    expect(await failureOf('select ?')).toMatchObject({ code: 'BAD_SQL' })
    expect(await failureOf('select 1\0')).toMatchObject({ code: 'BAD_SQL' })
  })

  it('puts no control character of a value into an error message', async () => {
    const { message } = await failureOf("select (chr(27) || '[2J' || chr(10) || chr(155))::int")
    expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
  })
})

/** Statements that must be refused outright, by the gate or by the engine behind it. */
const attacks = (): string[] => [
  // Files.
  `select * from read_csv('/etc/passwd')`,
  `select * from read_text('/etc/passwd')`,
  `select * from read_blob('/etc/passwd')`,
  `select * from read_json('/etc/passwd')`,
  `select * from read_ndjson_objects('/etc/passwd')`,
  `select * from read_parquet('${secret}')`,
  `select * from read_parquet('${data}')`,
  `select * from parquet_scan('${secret}')`,
  `select * from read_duckdb('${secret}')`,
  `select * from glob('/etc/*')`,
  `select * from sniff_csv('/etc/passwd')`,
  `select * from parquet_metadata('${data}')`,
  `select * from parquet_schema('${data}')`,
  `select * from parquet_kv_metadata('${data}')`,
  `select * from parquet_file_metadata('${data}')`,
  `from '${join(dir, 'secret.csv')}'`,
  `from "${secret}"`,
  `from '/etc/passwd'`,
  `describe '/etc/passwd'`,
  `describe select * from '${secret}'`,
  `summarize '${secret}'`,
  `show tables from '${secret}'`,
  `select * from events where n in (select length(content) from read_text('/etc/passwd'))`,
  `select (select count(*) from read_text('/etc/passwd'))`,
  `select * from events limit (select count(*) from '/etc/passwd')`,
  `with x as (from read_text('/etc/passwd')) select * from x`,
  `explain select * from read_text('/etc/passwd')`,
  `select * from system.main.read_text('/etc/passwd')`,
  `select * from "READ_TEXT"('/etc/passwd')`,
  `select * from (with "${secret}" as (select 1) select 1), "${secret}"`,
  `select list_transform([1], lambda x: (select content from read_text('/etc/passwd')))`,
  `values ((select content from read_text('/etc/passwd')))`,
  `select * from events order by (select count(*) from '/etc/passwd')`,
  `select * from events, lateral (select * from read_text('/etc/passwd'))`,
  `select * from events positional join '${join(dir, 'secret.csv')}'`,
  `pivot '${join(dir, 'secret.csv')}' on password in ('hunter2') using count(*)`,
  `unpivot '${join(dir, 'secret.csv')}' on password`,
  `with recursive x as (select 1 as n union all select n + length(content) from x, read_text('/etc/passwd')) from x`,
  `select count(*) over (partition by (select content from read_text('/etc/passwd'))) from events`,
  `select * from events where exists (from '/etc/passwd')`,
  `select * from events union all select 1, content from read_text('/etc/passwd')`,
  `summarize select * from read_text('/etc/passwd')`,
  `explain select * from '${join(dir, 'secret.csv')}'`,
  `select json_serialize_plan('select * from read_text(''/etc/passwd'')')`,
  // Network.
  `from 'https://example.com/a.parquet'`,
  `select * from read_parquet('s3://bucket/a.parquet')`,
  'install httpfs',
  'load httpfs',
  `load '${join(dir, 'evil.so')}'`,
  'force install httpfs from community',
  // Writes.
  `copy (select 1) to '${join(dir, 'out.csv')}'`,
  `copy events to '${data}' (format parquet)`,
  `copy events from '${join(dir, 'secret.csv')}'`,
  `export database '${join(dir, 'export')}'`,
  `import database '${join(dir, 'export')}'`,
  `attach '${join(dir, 'new.db')}' as other`,
  `attach ':memory:' as other`,
  'detach memory',
  'create table t(a int)',
  'create temp table t as select 1',
  'create or replace view events as select 1',
  'create macro m() as 1',
  'create sequence s',
  `create secret (type s3, key_id 'a', secret 'b')`,
  'drop view events',
  `copy (select 1) to '/dev/stdout'`,
  `select * into t from events`,
  'create table as select 1',
  'alter view events rename to gone',
  'insert into events values (1)',
  'update events set n = 1',
  'delete from events',
  'truncate events',
  'merge into events using (select 1) s on true when matched then delete',
  'with x as (insert into events values (1) returning n) select * from x',
  'with x as (delete from events returning n) select * from x',
  `comment on view events is 'x'`,
  `select * from enable_logging(storage = 'file', storage_path = '${join(dir, 'logs')}')`,
  `call enable_logging('QueryLog', storage = 'file', storage_config = {'path': '${join(dir, 'logs')}'})`,
  `select * from enable_profiling(save_location = '${join(dir, 'profile.txt')}')`,
  `select write_log('x')`,
  'select * from checkpoint()',
  'checkpoint',
  'vacuum',
  'analyze',
  'begin',
  'commit',
  'select 1; drop view events',
  'select 1; select 2',
  // EXPLAIN runs what it explains.
  `explain analyze copy (select 1) to '${join(dir, 'out.csv')}'`,
  'explain analyze create or replace view events as select 1',
  'explain analyze select 1',
  'explain (analyze) select 1',
  'explain (format json, analyze) create table t(a int)',
  'explain create table t(a int)',
  'explain explain analyze create table t(a int)',
  '/* a */ explain -- b\n analyze create table t(a int)',
  // Settings.
  'set threads = 1',
  'set lock_configuration = false',
  'set enable_external_access = true',
  `set temp_directory = '/tmp'`,
  'set variable x = 1',
  'reset threads',
  'pragma threads = 4',
  'pragma enable_profiling',
  'pragma version',
  'pragma database_list',
  'call pragma_version()',
  'use memory',
  'select setseed(0.5)',
  // SQL out of text.
  `select * from query('select * from duckdb_settings()')`,
  `select * from query_table('events')`,
  `select * from json_execute_serialized_sql(json_serialize_sql('select 42'))`,
  `pragma json_execute_serialized_sql('{}')`,
  'prepare p as select 1',
  'execute p',
  // The host and the engine.
  `select getenv('HOME')`,
  `select getvariable('x')`,
  `select current_setting('temp_directory')`,
  `select current_setting('allowed_paths')`,
  'select * from duckdb_settings()',
  'select * from duckdb_secrets()',
  'select * from duckdb_temporary_files()',
  'select * from duckdb_views()',
  'select * from duckdb_views',
  'select * from duckdb_databases()',
  'select * from duckdb_extensions()',
  'select * from duckdb_external_file_cache()',
  'select * from duckdb_logs()',
  `select * from which_secret('a', 'b')`,
  'select * from pg_settings',
  'select * from pg_catalog.pg_settings',
  'select * from information_schema.views',
  'select * from sqlite_master',
  'with pg_settings as (select 1) select * from pg_settings',
  'with a as (select * from pg_settings), pg_settings as (select 1) select * from a',
  'select * from pg_timezone_names()',
  `select pg_get_viewdef('events')`,
  `select __internal_decompress_string(1::hugeint)`,
  'show databases',
  'select * from pragma_user_agent()',
  `select * from histogram('duckdb_settings()', 'name')`,
]

describe('what a sandbox refuses', () => {
  it('refuses every attack, and afterwards the files are as they were and the relations answer', async () => {
    const before = await filesIn(dir)
    for (const sql of attacks()) {
      const failure = await failureOf(sql)
      expect(['SQL_REFUSED', 'BAD_SQL'], `${sql}: ${failure.message}`).toContain(failure.code)
      expect(failure.message, sql).not.toContain('hunter2')
    }
    expect(await filesIn(dir)).toEqual(before)
    expect((await sandbox.query('select count(*), min(n), max(n) from events')).rows).toEqual([[5000, 0, 4999]])
    expect((await sandbox.query('show tables')).rows).toEqual([['events'], ['rejects']])
  })

  it('names the reason for the usual attempts', async () => {
    expect(await failureOf(`select * from read_csv('/etc/passwd')`)).toMatchObject({
      code: 'SQL_REFUSED',
      message: 'The table function read_csv is not available here.',
    })
    expect(await failureOf('create table t(a int)')).toMatchObject({
      code: 'SQL_REFUSED',
      message: 'CREATE is not allowed: queries only read.',
    })
    expect(await failureOf(`from '/etc/passwd'`)).toMatchObject({
      code: 'SQL_REFUSED',
      hint: 'The tables are events, rejects; files and system tables cannot be read.',
    })
    expect(await failureOf('pivot events on actor using count(*)')).toMatchObject({ message: /PIVOT/ })
  })

  it.runIf(process.platform === 'linux')('runs with an environment that holds nothing of ours', async () => {
    process.env.BRICKTRAIL_TEST_SECRET = 'hunter2'
    const before = await childProcesses()
    const other = await openSandbox({ relations: {}, allowedPaths: [], tempDir: dir })
    const [pid] = (await childProcesses()).filter((child) => !before.includes(child))
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8')
    await other.close()
    expect(environment).toContain('PATH=')
    expect(environment).not.toContain('hunter2')
  })

  it('survives statements made to exhaust the parser', async () => {
    const deep = [
      `select ${'('.repeat(20_000)}1${')'.repeat(20_000)}`,
      `select ${'1+'.repeat(20_000)}1`,
      `select * from ${'(select * from '.repeat(3000)}events${')'.repeat(3000)}`,
      `select '${'x'.repeat(200_000)}'`,
    ]
    for (const sql of deep) expect(['BAD_SQL', 'SQL_REFUSED']).toContain((await failureOf(sql)).code)
    expect((await sandbox.query('select 1')).rows).toEqual([[1]])
  })
})

const childProcesses = async (): Promise<string[]> =>
  (await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')).trim().split(/\s+/)

describe('the limits of a sandbox', () => {
  it('stops a query at its time limit and answers the next one', async () => {
    const endless = 'select count(*) from range(10000000) a, range(10000000) b where a.range * b.range % 7 = 3'
    expect(await failureOf(endless, { timeoutMs: 300 })).toMatchObject({
      code: 'SQL_TIMEOUT',
      message: 'The query was stopped after its time limit of 0.3 s.',
    })
    const recursive = 'with recursive t as (select 1 as n union all select n + 1 from t) select max(n) from t'
    expect((await failureOf(recursive, { timeoutMs: 300 })).code).toBe('SQL_TIMEOUT')
    expect((await sandbox.query('select 1')).rows).toEqual([[1]])
  })

  it('ends a query whose single function call neither heeds an interrupt nor the memory limit', async () => {
    expect(await failureOf('select len(range(2000000000))')).toMatchObject({
      code: 'SQL_REFUSED',
      message: /MB of memory/,
    })
    expect((await sandbox.query('select 1')).rows).toEqual([[1]])
  })

  it('says so when a query needs more memory than it may use', async () => {
    const failure = await failureOf('select list(range) from range(100000000)')
    expect(failure).toMatchObject({ code: 'SQL_REFUSED', message: /memory/ })
  })

  it('stops when the caller aborts', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 200)
    const endless = 'select count(*) from range(10000000) a, range(10000000) b where a.range * b.range % 7 = 3'
    expect(await failureOf(endless, { signal: stop.signal })).toMatchObject({ message: 'The query was stopped.' })
    expect(await failureOf('select 1', { signal: AbortSignal.abort() })).toMatchObject({
      message: 'The query was stopped.',
    })
    expect((await sandbox.query('select 1')).rows).toEqual([[1]])
  })

  it('gives no more rows than asked for and says that there are more', async () => {
    const cut = await sandbox.query('select * from range(100000000000)', { maxRows: 5 })
    expect(cut).toMatchObject({ rows: [[0], [1], [2], [3], [4]], truncated: true })
    const whole = await sandbox.query('select * from range(5)', { maxRows: 5 })
    expect(whole).toMatchObject({ truncated: false })
  })

  it('holds no more of an answer than a bounded number of bytes', async () => {
    const answer = await sandbox.query(`select repeat('x', 10000) from range(20000)`)
    expect(answer.truncated).toBe(true)
    expect(answer.rows.length).toBeLessThan(10_000)
  })

  it('streams an answer of any size and can be left midway', async () => {
    const all = await sandbox.stream('select range from range(300000)', { maxRows: 1_000_000 })
    let rows = 0
    for await (const batch of all.batches) rows += batch.length
    expect([rows, all.truncated()]).toEqual([300_000, false])
    const long = await sandbox.stream('select * from range(3000000)', { maxRows: Number.POSITIVE_INFINITY })
    for await (const batch of long.batches) if (batch.length > 0) break
    expect((await sandbox.query('select 1')).rows).toEqual([[1]])
  })

  it('keeps the order of the statement, and gives the first rows of it', async () => {
    const sql = 'select range as n from range(2000000) order by hash(range)'
    const { rows } = await sandbox.query(sql, { maxRows: 50_000 })
    const engine = await Engine.open()
    const expected = await engine.rows<{ n: string }>(`${sql} limit 50000`)
    engine.close()
    expect(rows.map(([n]) => String(n))).toEqual(expected.map((row) => row.n))
  })

  it('reports a statement that fails midway, never giving what came before as the whole', async () => {
    const midway = "select case when range = 700000 then error('midway') else range::varchar end from range(1000000)"
    expect(await failureOf(midway, { maxRows: 2_000_000 })).toMatchObject({ code: 'BAD_SQL', message: 'midway' })
    await expect(sandbox.stream(midway, { maxRows: 2_000_000 })).rejects.toMatchObject({ message: 'midway' })
    const path = join(dir, 'no.parquet')
    await expect(sandbox.toParquet(midway, path, { maxRows: Number.POSITIVE_INFINITY })).rejects.toMatchObject({
      code: 'BAD_SQL',
      message: 'midway',
    })
    expect(await readdir(dir)).not.toContain('no.parquet')
    expect((await sandbox.query(midway, { maxRows: 10 })).rows).toHaveLength(10)
  })

  it('reports a data file that is damaged in its middle', async () => {
    const damaged = join(dir, 'damaged.parquet')
    const engine = await Engine.open()
    await engine.run(
      `COPY (SELECT range AS n, md5(range::VARCHAR) AS t FROM range(2000000)) TO '${damaged}' (FORMAT parquet)`,
    )
    engine.close()
    const bytes = await readFile(damaged)
    const middle = Math.floor(bytes.length / 2)
    await writeFile(damaged, bytes.fill(0x5a, middle, middle + 100_000))
    const other = await openSandbox({
      relations: { events: `read_parquet(['${damaged}'])` },
      allowedPaths: [damaged],
      tempDir: dir,
    })
    await expect(other.query('from events', { maxRows: 5_000_000 })).rejects.toMatchObject({ code: 'BAD_LAKE' })
    await other.close()
    await rm(damaged)
  })

  it('does not count the time a reader takes', async () => {
    const answer = await sandbox.stream('select range from range(100000)', { timeoutMs: 2000, maxRows: 1_000_000 })
    let rows = 0
    for await (const batch of answer.batches) {
      if (rows === 0) await new Promise((resolve) => setTimeout(resolve, 2500))
      rows += batch.length
    }
    expect(rows).toBe(100_000)
  })

  it('refuses a second query while one runs', async () => {
    const first = sandbox.query('select count(*) from range(1000000)')
    await expect(sandbox.query('select 1')).rejects.toThrow('one query at a time')
    await first
  })

  it('writes an answer to Parquet on our behalf, whatever its columns are called', async () => {
    const path = join(dir, 'answer.parquet')
    const sql = `select n, {'a" INT); COPY': actor} as s, ['x'] as "l""; --", now() as at from events order by n -- end`
    const written = await sandbox.toParquet(sql, path, { maxRows: 10 })
    expect(written).toMatchObject({ rowCount: 10, truncated: true })
    const engine = await Engine.open()
    const found = await engine.rows(`SELECT count(*)::INT AS n, max(n)::INT AS last FROM read_parquet('${path}')`)
    expect(found).toEqual([{ n: 10, last: 9 }])
    await sandbox.toParquet(`select sum(n) * 12345678901234567 as 'a "total' from events;`, path)
    expect(await engine.rows(`FROM read_parquet('${path}')`)).toEqual([{ 'a "total': '154290122068179001082500' }])
    engine.close()
    await rm(path)
  })

  it('leaves nothing behind when it is closed', async () => {
    const parent = await mkdtemp(join(dir, 'spill-'))
    const other = await openSandbox({ relations: {}, allowedPaths: [], tempDir: parent })
    await other.query('select 1')
    await other.close()
    expect(await readdir(parent)).toEqual([])
  })

  it('answers from a copy of a relation that is held elsewhere', async () => {
    const parent = await mkdtemp(join(dir, "it's [a] *copy?-"))
    const write = async (path: string) => {
      const engine = await Engine.open()
      await engine.run(`COPY (SELECT 'a.json' AS object) TO ${lit(path)} (FORMAT parquet)`)
      engine.close()
    }
    const other = await openSandbox({ relations: {}, allowedPaths: [], copies: { objects: write }, tempDir: parent })
    expect((await other.query('from objects')).rows).toEqual([['a.json']])
    await other.close()
    expect(await readdir(parent)).toEqual([])
  })

  it('says which relation cannot be opened', async () => {
    const missing = join(dir, 'missing.parquet')
    const opening = openSandbox({
      relations: { events: `read_parquet(['${missing}'])` },
      allowedPaths: [missing],
      tempDir: dir,
    })
    await expect(opening).rejects.toMatchObject({ code: 'ENGINE', message: expect.stringContaining('missing.parquet') })
  })
})
