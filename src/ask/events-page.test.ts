import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { objectsRelation, type Taking } from '../collect/ledger.ts'
import { type Column, type ColumnType, EVENT_COLUMNS, REJECT_COLUMNS } from '../core/event.ts'
import { FINDING_COLUMNS } from '../core/finding.ts'
import { homeAt } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'

const PAGE = new URL('../../docs/reference/events.md', import.meta.url)

/** Columns of `objects`, in order. */
const OBJECT_COLUMNS: Readonly<Record<keyof Taking, string>> = {
  object_key: 'The object: for a file its absolute path.',
  sha256: 'Digest of its bytes, as it was then.',
  size_bytes: 'Its length, as it was then.',
  modified_ms: 'When it was changed last, milliseconds since 1970.',
  form: 'The form it was read as.',
  shape: 'How the records stand in it: lines, documents, parquet, csv, empty or binary.',
  compression: 'none, gzip or zstd, told from its bytes.',
  batch_id: 'The batch that committed it.',
  batch_seq: 'Number of the batch in this lake, from 1: the `txn` version of the Delta commit.',
  ingested_at: 'When the batch was made.',
  first_byte: 'First byte taken: 0, unless an object taken before had grown.',
  last_byte: 'The byte after the last one taken.',
  records: 'Records met: always `events` + `duplicates` + `rejects`.',
  events: 'Records that became events.',
  duplicates: 'Records whose event the lake had already.',
  rejects: 'Records that could not become events.',
  resume_byte: 'Where a longer version of the object would be taken up; null where it must be read as a whole.',
  resume_sha256: 'Digest of the bytes before that place.',
  resume_lines: 'Line breaks before that place.',
}

const INTRO = `# Events, rejects, findings and objects

The relations of a lake, as \`bricktrail query\` sees them. \`events\`, \`rejects\` and \`findings\` are Delta Lake tables in
\`lake/events\`, \`lake/rejects\` and \`lake/findings\` of the data folder; \`objects\` is the source ledger, \`ledger.db\`. This page is made from
the program (\`UPDATE_DOCS=1 npx vitest run src/ask/events-page.test.ts\`), and a test fails when the two differ.

Types are Delta Lake's. \`actor.type\` is a member of a struct; \`targets[].type\` is a member of each struct of a list.`

const typeName = (type: ColumnType): string => {
  if (typeof type === 'string') return type
  if ('array' in type) return typeof type.array === 'string' ? `array of ${type.array}` : 'array of struct'
  if ('map' in type) return `map of ${type.map.map(typeName).join(' to ')}`
  return 'struct'
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

function rows(columns: readonly Column[], prefix = ''): string[] {
  return columns.flatMap(({ name, type, doc }) => {
    const path = `${prefix}${name}`
    const row = `| \`${path}\` | ${typeName(type)} | ${cell(doc)} |`
    if (typeof type !== 'object') return [row]
    if ('struct' in type) return [row, ...rows(type.struct, `${path}.`)]
    if ('array' in type && typeof type.array === 'object' && 'struct' in type.array)
      return [row, ...rows(type.array.struct, `${path}[].`)]
    return [row]
  })
}

const HEAD = '| column | type | meaning |\n| --- | --- | --- |'

function page(objectTypes: Readonly<Record<string, string>>): string {
  const objects = Object.entries(OBJECT_COLUMNS).map(
    ([name, doc]) => `| \`${name}\` | ${objectTypes[name]} | ${cell(doc)} |`,
  )
  return [
    INTRO,
    `## \`events\`\n\nOne row an event, partitioned by \`event_date\`.\n\n${HEAD}\n${rows(EVENT_COLUMNS).join('\n')}`,
    `## \`rejects\`\n\nOne row a record that could not become an event.\n\n${HEAD}\n${rows(REJECT_COLUMNS).join('\n')}`,
    `## \`findings\`\n\nOne row a finding, partitioned by \`finding_date\`. The table has a row for each revision; \`query\` shows the newest of each id.\n\n${HEAD}\n${rows(FINDING_COLUMNS).join('\n')}`,
    `## \`objects\`\n\nOne row a taking: an object that was read, or what was new in it when it was read again.\n\n${HEAD}\n${objects.join('\n')}\n`,
  ].join('\n\n')
}

/** Types of the relation as the engine has it, in Delta's words. */
async function objectTypes(): Promise<Record<string, string>> {
  const words: Readonly<Record<string, string>> = {
    VARCHAR: 'string',
    BIGINT: 'long',
    'TIMESTAMP WITH TIME ZONE': 'timestamp',
  }
  const root = await mkdtemp(join(tmpdir(), 'bricktrail-page-'))
  const engine = await Engine.open()
  try {
    const relation = await objectsRelation(homeAt(root), engine)
    const columns = await engine.rows<{ column_name: string; column_type: string }>(
      `DESCRIBE SELECT * FROM ${relation}`,
    )
    return Object.fromEntries(columns.map(({ column_name, column_type }) => [column_name, words[column_type] ?? '?']))
  } finally {
    engine.close()
    await rm(root, { recursive: true, force: true })
  }
}

it('the page has every column of the program; UPDATE_DOCS=1 writes it anew', async () => {
  const types = await objectTypes()
  expect(Object.keys(types)).toEqual(Object.keys(OBJECT_COLUMNS))
  if (process.env.UPDATE_DOCS === '1') await writeFile(PAGE, page(types))
  expect(await readFile(PAGE, 'utf8')).toBe(page(types))
})
