import { hash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { type EventEvidence, parseProof, type ProofParts, proofText } from '../proof.ts'
import { digestRows, rowForm, rowText } from '../rows.ts'
import { verifyProof } from './proof.ts'
import { hexOf, jcs, pathTo, SealedHome, testKey, treeHash } from './sealed-home.fixture.ts'

const ROWS = 150
const POSITION = 131
const COLUMNS = [
  { name: 'event_id', type: 'string', doc: '' },
  { name: 'event_time', type: 'timestamp', doc: '' },
  { name: 'actor', type: { struct: [{ name: 'type', type: 'string', doc: '' }, { name: 'email', type: 'string', doc: '' }] }, doc: '' },
  { name: 'status_code', type: 'integer', doc: '' },
  { name: 'category', type: 'string', doc: '' },
  { name: 'request_params', type: { map: ['string', 'string'] }, doc: '' },
  { name: 'tags', type: { array: 'string' }, doc: '' },
] as const

let home: SealedHome
let rowsRoot: string
let good: ProofParts & { evidence: EventEvidence }

/** The canonical text of a row, after the page and not after the program. */
const textOf = (at: number): string =>
  [
    JSON.stringify([`e${at}`, String(1_772_355_600_000_000 + at), 'user', `u"${at}"@x.test`, at % 2 ? null : '200']),
    `{"path":"/a ${at}","ünï":"\\n"}`,
    at % 3 ? '' : '["pii"]',
  ].join('\n')
const NAMES = ['event_id', 'event_time', 'actor.type', 'actor.email', 'status_code', 'request_params', 'tags']

beforeAll(async () => {
  home = await SealedHome.make()
  const engine = await Engine.open({})
  try {
    const scratch = home.at('rows.parquet')
    await engine.run(`COPY (SELECT 'e' || i AS event_id, make_timestamptz(1772355600000000 + i) AS event_time,
      {type: 'user', email: 'u"' || i || '"@x.test'} AS actor, CASE WHEN i % 2 = 0 THEN 200::INTEGER END AS status_code,
      'left out' AS category, MAP {'path': '/a ' || i, 'ünï': chr(10)} AS request_params,
      CASE WHEN i % 3 = 0 THEN ['pii'] END AS tags FROM range(${ROWS}) t(i)) TO ${lit(scratch)} (FORMAT parquet)`)
    const form = rowForm('events', COLUMNS)
    rowsRoot = Buffer.from((await digestRows(engine, scratch, form)).root).toString('hex')
    expect(await rowText(engine, scratch, form, POSITION)).toBe(textOf(POSITION))
    expect(form.names).toEqual(NAMES)
    const bytes = await home.read('rows.parquet')
    const columns = hexOf(jcs(NAMES))
    const adds = [
      { path: 'event_date=2026-03-01/a-0.parquet', bytes: Buffer.from('another') },
      { path: 'event_date=2026-03-01/real-0.parquet', bytes, rows: ROWS, rowsRoot, columns },
    ]
    await home.commit({ table: 'rejects' })
    await home.commit({ adds })
    await home.commit()
    good = proofOf()
  } finally {
    await engine.close()
  }
})
afterAll(() => home.dispose())

const sha = (bytes: Uint8Array | string): Buffer => hash('sha256', bytes, 'buffer')
const leaf = (data: Uint8Array | string): Buffer => sha(Buffer.concat([Buffer.of(0), Buffer.from(data)]))
const hex = (hashes: readonly Buffer[]): string[] => hashes.map((it) => it.toString('hex'))

/** A proof made by the page alone. */
function proofOf(): ProofParts & { evidence: EventEvidence } {
  const digests = Array.from({ length: ROWS }, (_, at) => sha(textOf(at)))
  const pages = [0, 1, 2].map((n) => Buffer.concat(digests.slice(n * 64, (n + 1) * 64)))
  const entry = JSON.parse(home.entries[2] ?? '')
  const manifest = JSON.parse(String(Buffer.from(manifestText(entry.manifest.sha256))))
  return {
    index: 2n,
    path: pathTo(2, home.leafHashes()),
    checkpoint: home.noteOf(4),
    evidence: {
      v: 1,
      entry,
      file: { record: manifest.adds[1], index: 1, path: hex(pathTo(1, manifest.adds.map((add: object) => leaf(jcs(add))))) },
      row: {
        names: NAMES,
        text: textOf(POSITION),
        position: POSITION,
        page: (pages[2] ?? Buffer.of()).toString('hex'),
        path: hex(pathTo(2, pages.map((page) => leaf(page)))),
      },
    },
  }
}

let manifestText: (digest: string) => Buffer
beforeAll(() => {})

describe('a proof made by the page', () => {
  it('has the rows root that the engine works out', () => {
    const digests = Array.from({ length: ROWS }, (_, at) => sha(textOf(at)))
    const pages = [0, 1, 2].map((n) => leaf(Buffer.concat(digests.slice(n * 64, (n + 1) * 64))))
    expect(treeHash(pages).toString('hex')).toBe(rowsRoot)
  })
})
void writeFile
void testKey
void parseProof
void proofText
void verifyProof
