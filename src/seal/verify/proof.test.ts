import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { type EventEvidence, type ProofParts, parseProof, proofText, type RowContent } from '../proof.ts'
import { rowForm } from '../row-form.ts'
import { digestRows, rowContent } from '../rows.ts'
import { verifyProof } from './proof.ts'
import { hexOf, jcs, pathTo, SealedHome, testKey, treeHash } from './sealed-home.fixture.ts'

const ROWS = 150
const POSITION = 131
const COLUMNS = [
  { name: 'event_id', type: 'string', doc: '' },
  { name: 'event_time', type: 'timestamp', doc: '' },
  {
    name: 'actor',
    type: {
      struct: [
        { name: 'type', type: 'string', doc: '' },
        { name: 'email', type: 'string', doc: '' },
      ],
    },
    doc: '',
  },
  { name: 'status_code', type: 'integer', doc: '' },
  { name: 'category', type: 'string', doc: '' },
  { name: 'request_params', type: { map: ['string', 'string'] }, doc: '' },
  { name: 'tags', type: { array: 'string' }, doc: '' },
] as const

let home: SealedHome
let rowsRoot: string
let good: ProofParts & { evidence: EventEvidence }

/** The values of a row, and its canonical bytes, after the page and not after the program. */
const valuesOf = (at: number): (string | null)[] => [
  `e${at}`,
  String(1_772_355_600_000_000 + at),
  'user',
  `u"${at}"@x.test`,
  at % 2 ? null : '200',
  `{"path":"/a ${at}","ünï":"\\n"}`,
  at % 3 ? null : '["pii"]',
]
const bytesOf = (values: readonly (string | null)[]): Buffer =>
  Buffer.from(
    values.flatMap((value) => (value === null ? [2] : [1, ...[...Buffer.from(value)].map((byte) => byte + 1), 0])),
  )
/** The same as the text of the form `row/1`. */
const textOf = (at: number): string => {
  const [params, tags, plain] = [valuesOf(at)[5], valuesOf(at)[6], valuesOf(at).slice(0, 5)]
  return [JSON.stringify(plain), params, tags ?? ''].join('\n')
}
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
    expect(await rowContent(engine, scratch, form, POSITION)).toEqual({ values: valuesOf(POSITION) })
    expect(form.names).toEqual(NAMES)
    const bytes = await home.read('rows.parquet')
    const columns = hexOf(jcs(NAMES))
    const older = rowForm('events', COLUMNS, 'row/1')
    const olderRoot = Buffer.from((await digestRows(engine, scratch, older)).root).toString('hex')
    const file = { bytes, rows: ROWS, columns }
    const adds = [
      { ...file, path: 'event_date=2026-03-01/older-0.parquet', rowsRoot: olderRoot, rowForm: 'row/1' },
      { ...file, path: 'event_date=2026-03-01/real-0.parquet', rowsRoot },
      { ...file, path: 'event_date=2026-03-01/newer-0.parquet', rowsRoot, rowForm: 'row/3' },
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

/** A proof made by the page alone: of the file in this place of the list, whose rows have these bytes. */
function proofOf(
  index = 1,
  rowOf: (at: number) => Buffer | string = (at) => bytesOf(valuesOf(at)),
  content: RowContent = { values: valuesOf(POSITION) },
): ProofParts & { evidence: EventEvidence } {
  const digests = Array.from({ length: ROWS }, (_, at) => sha(rowOf(at)))
  const pages = [0, 1, 2].map((n) => Buffer.concat(digests.slice(n * 64, (n + 1) * 64)))
  const entry = JSON.parse(home.entries[2] ?? '')
  const { sha256 } = entry.manifest
  const manifest = JSON.parse(readFileSync(home.at(`seal/manifests/${sha256.slice(0, 2)}/${sha256}.json`), 'utf8'))
  return {
    index: 2n,
    path: pathTo(2, home.leafHashes()),
    checkpoint: home.noteOf(4),
    evidence: {
      v: 1,
      entry,
      file: {
        record: manifest.adds[index],
        index,
        path: hex(
          pathTo(
            index,
            manifest.adds.map((add: object) => leaf(jcs(add))),
          ),
        ),
      },
      row: {
        names: NAMES,
        ...content,
        position: POSITION,
        page: (pages[2] ?? Buffer.of()).toString('hex'),
        path: hex(
          pathTo(
            2,
            pages.map((page) => leaf(page)),
          ),
        ),
      },
    },
  }
}

describe('a proof made by the page', () => {
  it('has the rows root that the engine works out', () => {
    const digests = Array.from({ length: ROWS }, (_, at) => sha(bytesOf(valuesOf(at))))
    const pages = [0, 1, 2].map((n) => leaf(Buffer.concat(digests.slice(n * 64, (n + 1) * 64))))
    expect(treeHash(pages).toString('hex')).toBe(rowsRoot)
  })

  it('is verified with nothing but the key, and says what it proves', () => {
    const report = verifyProof(proofText(good), { keys: home.key.vkey })
    expect(report.findings).toEqual([])
    expect(report).toMatchObject({
      ok: true,
      checked: { proofs: 1, leaves: 1, checkpoints: 1 },
      log: { origin: home.origin, size: 4 },
      proven: {
        table: 'events',
        file: 'lake/events/event_date=2026-03-01/real-0.parquet',
        position: POSITION,
        leaf: 2,
        sealed: '2026-03-01T08:03:00.000Z',
      },
    })
    expect(report.proven?.values).toEqual({
      event_id: 'e131',
      event_time: '1772355600000131',
      'actor.type': 'user',
      'actor.email': 'u"131"@x.test',
      status_code: null,
      request_params: '{"path":"/a 131","ünï":"\\n"}',
      tags: null,
    })
  })

  it('of a row that was sealed in the form of before is verified as it was', () => {
    const older = proofOf(0, textOf, { text: textOf(POSITION) })
    expect(parseProof(Buffer.from(proofText(older)))).toEqual(older)
    const report = verifyProof(proofText(older), { keys: home.key.vkey })
    expect(report.findings).toEqual([])
    const values = Object.fromEntries(NAMES.map((name, at) => [name, valuesOf(POSITION)[at] ?? null]))
    expect(report.proven).toMatchObject({ file: 'lake/events/event_date=2026-03-01/older-0.parquet', values })
  })

  it('proves nothing where its row is told in another form than its file has, or in one that is not known', () => {
    const findingOf = (parts: ProofParts) => verifyProof(proofText(parts), { keys: home.key.vkey }).findings[0]
    const asValues = proofOf(0, textOf, { values: valuesOf(POSITION) })
    expect(findingOf(asValues)).toMatchObject({ kind: 'changed', where: 'the row' })
    const asText = proofOf(1, undefined, { text: textOf(POSITION) })
    expect(findingOf(asText)).toMatchObject({ kind: 'changed', where: 'the row' })
    expect(findingOf(proofOf(2))).toMatchObject({ kind: 'unverifiable', where: 'the row' })
  })

  it('proves nothing that its digest is not taken of', () => {
    const told = { values: valuesOf(POSITION), text: textOf(POSITION) }
    const forged = { ...told, values: valuesOf(POSITION).map(() => 'forged') }
    const contents: readonly object[] = [
      told,
      forged,
      { text: textOf(POSITION), values: [['x']] },
      { text: textOf(POSITION), values: 5 },
      { values: 5 },
      { values: [['e131'], ...valuesOf(POSITION).slice(1)] },
      { values: [`\ud800`, ...valuesOf(POSITION).slice(1)] },
      { text: `${textOf(POSITION)}\udc00` },
      {},
    ]
    for (const content of contents)
      for (const parts of [proofOf(0, textOf, content as RowContent), proofOf(1, undefined, content as RowContent)]) {
        const report = verifyProof(proofText(parts), { keys: home.key.vkey })
        expect([report.ok, report.proven, report.findings.map(({ where }) => where)]).toEqual([
          false,
          undefined,
          ['the proof'],
        ])
      }
  })

  it('reads back as it was put together', () => {
    expect(parseProof(Buffer.from(proofText(good)))).toEqual(good)
  })

  it('counts the witnesses that signed the checkpoint', () => {
    const witness = testKey('witness.example/1', 4)
    const options = { keys: home.key.vkey, witnesses: [witness.vkey] }
    expect(verifyProof(proofText(good), options).findings[0]?.what).toMatch(/0 of the witnesses/)
    const checkpoint = good.checkpoint + witness.line(home.textOf(4), 1_772_400_000)
    const report = verifyProof(proofText({ ...good, checkpoint }), options)
    expect(report).toMatchObject({ ok: true, checked: { cosignatures: 1 } })
    expect(report.statements).toEqual([expect.stringMatching(/saw this log at 2026-03-01T21:20:00/)])
  })
})

describe('a proof that was tampered with', () => {
  const row = (change: Partial<EventEvidence['row']>): ProofParts => ({
    ...good,
    evidence: { ...good.evidence, row: { ...good.evidence.row, ...change } },
  })
  const file = (change: Partial<EventEvidence['file']>): ProofParts => ({
    ...good,
    evidence: { ...good.evidence, file: { ...good.evidence.file, ...change } },
  })
  const entry = (change: object): ProofParts => ({
    ...good,
    evidence: { ...good.evidence, entry: { ...good.evidence.entry, ...change } as EventEvidence['entry'] },
  })
  const pageOf = (values: readonly (string | null)[]): string => {
    const at = (POSITION % 64) * 64
    const { page } = good.evidence.row
    return page.slice(0, at) + sha(bytesOf(values)).toString('hex') + page.slice(at + 64)
  }
  const attacks: readonly [string, () => ProofParts | string, string][] = [
    ['another row', () => row({ values: valuesOf(130) }), 'the row'],
    ['another row and its digest', () => row({ values: ['forged'], page: pageOf(['forged']) }), 'the row'],
    ['another place', () => row({ position: 130 }), 'the row'],
    ['a place behind the last', () => row({ position: ROWS }), 'the row'],
    ['a place on another page', () => row({ position: 3 }), 'the row'],
    [
      'another name of a value',
      () => row({ names: NAMES.map((name) => (name === 'tags' ? 'labels' : name)) }),
      'the row',
    ],
    ['two names exchanged', () => row({ names: ['event_time', 'event_id', ...NAMES.slice(2)] }), 'the row'],
    ['a shorter page', () => row({ page: good.evidence.row.page.slice(64) }), 'the row'],
    ['no path of the page', () => row({ path: [] }), 'the row'],
    [
      'another record of the file',
      () => file({ record: { ...good.evidence.file.record, path: 'x/y.parquet' } }),
      'the record of the file',
    ],
    [
      'another root of the rows',
      () => file({ record: { ...good.evidence.file.record, rowsRoot: hexOf('') } }),
      'the row',
    ],
    ['a record that is none', () => file({ record: {} }), 'the record of the file'],
    ['another place of the record', () => file({ index: 0 }), 'the record of the file'],
    ['another time of the leaf', () => entry({ time: '2020-01-01T00:00:00.000Z' }), 'the leaf'],
    ['another table', () => entry({ table: 'rejects' }), 'the leaf'],
    ['another kind of leaf', () => entry({ kind: 'config' }), 'the leaf'],
    ['another index', () => ({ ...good, index: 1n }), 'the leaf'],
    ['an index behind the last', () => ({ ...good, index: 4n }), 'the leaf'],
    ['an index beyond 64 bits', () => proofText(good).replace('index 2', `index ${1n << 64n}`), 'the proof'],
    ['an index with a zero before it', () => proofText(good).replace('index 2', 'index 02'), 'the proof'],
    ['a hash more', () => ({ ...good, path: [...good.path, Buffer.alloc(32)] }), 'the leaf'],
    ['a hash less', () => ({ ...good, path: good.path.slice(1) }), 'the leaf'],
    ['the checkpoint of an earlier size', () => ({ ...good, checkpoint: home.noteOf(3) }), 'the leaf'],
    ['a checkpoint that is not signed', () => ({ ...good, checkpoint: `${home.textOf(4)}\n` }), 'the checkpoint'],
    [
      'a checkpoint with another size',
      () => ({ ...good, checkpoint: good.checkpoint.replace('\n4\n', '\n5\n') }),
      'the checkpoint',
    ],
    ['another header', () => proofText(good).replace('@v1', '@v2'), 'the proof'],
    ['a checkpoint cut off', () => proofText(good).slice(0, 200), 'the proof'],
    ['evidence that is not canonical', () => proofText(good).replace(/extra \S+/, (line) => spaced(line)), 'the proof'],
    ['no evidence', () => proofText({ index: 2n, path: good.path, checkpoint: good.checkpoint }), 'the proof'],
    ['carriage returns', () => proofText(good).replaceAll('\n', '\r\n'), 'the proof'],
    ['nothing in it', () => '', 'the proof'],
  ]
  it.each(attacks)('with %s proves nothing', (_, attack, where) => {
    const parts = attack()
    const report = verifyProof(typeof parts === 'string' ? parts : proofText(parts), { keys: home.key.vkey })
    expect(report.findings.map((finding) => finding.where)).toEqual([where])
    expect(report.ok).toBe(false)
    expect(report.proven).toBeUndefined()
  })

  it('with one byte flipped anywhere proves nothing', () => {
    const bytes = Buffer.from(proofText(good))
    const held: number[] = []
    for (let at = 0; at < bytes.length; at += 13) {
      const flipped = Buffer.from(bytes)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
      if (verifyProof(flipped, { keys: home.key.vkey }).ok) held.push(at)
    }
    expect(held).toEqual([])
  })

  it('for another log, or by another key of the same name, proves nothing', () => {
    const thief = testKey(home.origin)
    for (const checkpoint of [home.noteOf(4, [thief]), home.noteOf(4, [testKey('someone/else')])]) {
      const report = verifyProof(proofText({ ...good, checkpoint }), { keys: home.key.vkey })
      expect(report.findings).toMatchObject([{ kind: 'unverifiable', where: 'the checkpoint' }])
    }
    const other = verifyProof(proofText(good), { keys: testKey('someone/else').vkey })
    expect(other.findings[0]?.what).toMatch(/the key given is another/)
  })
})

function spaced(line: string): string {
  const text = Buffer.from(line.slice('extra '.length), 'base64').toString()
  return `extra ${Buffer.from(text.replace('{', '{ ')).toString('base64')}`
}
