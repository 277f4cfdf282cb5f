/** The seal against Go: `sumdb/note` opens our notes and we its own; `transparency-dev/merkle` and `sumdb/tlog` check proofs, roots and tiles. */
import { spawnSync } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sealing } from '../../src/ingest/sealing.ts'
import { deliveryLines, TakingBench } from '../../src/ingest/taking.fixture.ts'
import { openCheckpoint } from '../../src/seal/checkpoint.ts'
import { type Entry, entryBytes } from '../../src/seal/entry.ts'
import { SealKeys } from '../../src/seal/keys.ts'
import { SealLog } from '../../src/seal/log.ts'
import {
  consistencyProofFrom,
  EMPTY_ROOT,
  type Hash,
  inclusionProofFrom,
  leafHash,
  rootFrom,
  rootOfData,
  verifyConsistency,
  verifyInclusion,
} from '../../src/seal/merkle.ts'
import { openNote, parseVkey, signerOf, signNote } from '../../src/seal/note.ts'
import { parseProof, proofText } from '../../src/seal/proof.ts'
import { check, same } from './check.ts'

/** Enough for a tile of level 1 that is full, and small enough to be quick. */
const ENTRIES = 66_000
const APPENDS = [1, 2, 252, 1, 1, 44, 700, ENTRIES - 1001]

const folder = await mkdtemp(join(tmpdir(), 'bricktrail-seal-peer-'))
const program = join(folder, 'seal-go')

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64')

function go<T>(command: string, request: unknown): T {
  const input = JSON.stringify(request)
  const { status, stdout, stderr, error } = spawnSync(program, [command], {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 120_000,
  })
  if (status !== 0) throw new Error(`seal-go ${command}: ${error?.message ?? stderr}`)
  return JSON.parse(stdout)
}

function build(): void {
  const cwd = join(import.meta.dirname, 'seal-go')
  const args = ['build', '-buildvcs=false', '-mod=readonly', '-o', program, '.']
  const { status, stderr, error } = spawnSync('go', args, { cwd, encoding: 'utf8', timeout: 10 * 60_000 })
  if (status !== 0) throw new Error(`go build: ${error?.message ?? stderr}`)
}

interface Opened {
  readonly text: string
  readonly verified: readonly string[] | null
  readonly error: string
}

const openByGo = (vkeys: readonly string[], notes: readonly (string | Uint8Array)[]): Opened[] =>
  go('open', { vkeys, notes: notes.map((note) => base64(Buffer.from(note))) })

const entryAt = (n: number): Uint8Array => {
  const entry: Entry = {
    v: 1,
    kind: 'commit',
    time: new Date(1_762_950_000_000 + n).toISOString(),
    generator: 'peer',
    table: 'events',
    version: n,
    operation: 'WRITE „é“',
    sealed: { events: n },
  }
  return entryBytes(entry)
}

/** A log of ours, appended to in steps; the key changes in the end. */
async function writeLog(): Promise<{ log: SealLog; keys: SealKeys; notes: string[]; vkeys: string[] }> {
  const at = join(folder, 'seal')
  const keys = await SealKeys.load(at, { origin: 'example.com/trail' })
  const log = await SealLog.open(at, keys, { now: () => new Date() })
  const vkeys = [keys.vkey]
  const notes: string[] = []
  let next = 0
  for (const count of APPENDS) {
    const entries = Array.from({ length: count }, (_, at) => entryAt(next + at))
    notes.push((await log.append(entries)).note)
    next += count
  }
  const told = await keys.prepareRotation()
  vkeys.push(told.vkey)
  const entry: Entry = { v: 1, kind: 'key', time: new Date().toISOString(), generator: 'peer', ...told }
  notes.push((await log.append([entryBytes(entry)])).note)
  return { log, keys, notes, vkeys }
}

async function checkOurLog(): Promise<void> {
  const { log, keys, notes, vkeys } = await writeLog()
  const heads = notes.map((note) => openCheckpoint(note, keys.verifiers))
  const last = heads.at(-1) ?? (await log.checkpoint())
  if (last === undefined) throw new Error('The log has no checkpoint.')
  await check('sumdb/note opens our checkpoints, that of both keys too', () => {
    const found = openByGo(vkeys, notes)
    same(
      found.map(({ error }) => error),
      notes.map(() => ''),
    )
    same(
      found.map(({ text }) => text),
      heads.map(({ note }) => note.text),
    )
    const ids = vkeys.map((vkey) => vkey.split('+').slice(0, 2).join('+'))
    same(
      found.map(({ verified }) => verified),
      [...notes.slice(1).map(() => [ids[0]]), [ids[1], ids[0]]],
    )
    const [foreign] = openByGo(vkeys.slice(1), notes)
    if (foreign?.error === '') throw new Error('Go opens a note with a key that did not sign it.')
  })
  await check('a tree of our entries, built with compact ranges, has our root and our tiles', () => {
    const found = go<{ entries: string; tiles: number; root: string }>('rebuild', {
      folder: join(folder, 'seal/log'),
      size: String(last.size),
    })
    same(found, { entries: String(ENTRIES + 1), tiles: 258 + 2 + 1, root: base64(last.root) })
  })
  const read = log.hashReader()
  const places = [0n, 1n, 255n, 256n, 65_535n, 65_536n, last.size - 1n]
  const inclusions = await Promise.all(
    places.map(async (index) => ({
      index: String(index),
      size: String(last.size),
      size1: '0',
      leafHash: base64(leafHash(await log.entry(index))),
      root: base64(last.root),
      proof: (await inclusionProofFrom(read, index, last.size)).map(base64),
    })),
  )
  const consistencies = await Promise.all(
    heads.map(async ({ size, root }) => ({
      index: '0',
      size: String(last.size),
      size1: String(size),
      root1: base64(root),
      root: base64(last.root),
      proof: (await consistencyProofFrom(read, size, last.size)).map(base64),
    })),
  )
  const claims = [...inclusions, ...consistencies]
  await check('transparency-dev/merkle accepts our inclusion and consistency proofs', () => {
    same(
      go('verify', claims),
      claims.map(() => ''),
    )
  })
  await check('and refuses each of them after a change', () => {
    const wrong = claims.flatMap((claim) => [
      { ...claim, root: base64(leafHash(bytesOf(claim.root))) },
      { ...claim, proof: [...claim.proof, claim.root] },
      ...claim.proof.map((_, at) => ({ ...claim, proof: claim.proof.with(at, claim.root) })),
    ])
    const accepted = go<string[]>('verify', wrong).filter((reason) => reason === '')
    same([wrong.length > 100, accepted], [true, []])
  })
}

interface Signed {
  readonly vkeys: readonly string[]
  readonly skeys: readonly string[]
  readonly notes: readonly string[]
}

const NAMES = ['example.com/one', 'zwei.example/ü', 'three']
const TEXTS = [
  'a\n',
  'line\n\nafter a blank one\n',
  '— looks like a signature AAAA\n',
  `example.com/one\n0\n${base64(EMPTY_ROOT)}\n`,
]

async function checkTheirNotes(): Promise<void> {
  const { vkeys, skeys, notes } = go<Signed>('sign', { names: NAMES, texts: TEXTS })
  await check('we open notes that sumdb/note signed, with each of the keys', () => {
    for (const [at, note] of notes.entries()) {
      for (const vkey of vkeys) {
        const { text, verified, unverified } = openNote(note, [parseVkey(vkey)])
        same([text, verified.length, unverified.length], [TEXTS[at], 1, 2])
      }
    }
  })
  await check('we sign with its keys what it signed, byte for byte', () => {
    const signers = skeys.map((skey, at) => {
      const seed = bytesOf(skey.split('+').slice(4).join('+')).subarray(1)
      const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
      return signerOf(NAMES[at] ?? '', createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
    })
    same(
      signers.map(({ vkey }) => vkey),
      vkeys,
    )
    same(
      TEXTS.map((text) => signNote(text, signers)),
      notes,
    )
  })
  await check('whatever is done to a note, we open none that sumdb/note refuses, and read the same text', () => {
    const sound = Buffer.from(notes[1] ?? '')
    const odd = ['\n', '\r', '\t', '\0', ' ', '+', '—', '\u200b', '\u2028', '\ufeff', '=', '\n\n', '\u00a0']
    const variants: Buffer[] = [sound]
    for (let at = 0; at <= sound.length; at++) {
      for (const insert of odd)
        variants.push(Buffer.concat([sound.subarray(0, at), Buffer.from(insert), sound.subarray(at)]))
      for (let bit = 0; bit < 8 && at < sound.length; bit++)
        variants.push(Buffer.from(sound.with(at, (sound[at] ?? 0) ^ (1 << bit))))
      variants.push(Buffer.concat([sound.subarray(0, at), sound.subarray(at + 1)]))
    }
    const keys = [parseVkey(vkeys[0] ?? '')]
    const theirs = openByGo(vkeys.slice(0, 1), variants)
    let both = 0
    for (const [at, variant] of variants.entries()) {
      let text: string | undefined
      try {
        ;({ text } = openNote(variant, keys))
      } catch {
        continue
      }
      same([text, theirs[at]?.error], [theirs[at]?.text, ''])
      both += 1
    }
    // Names and signatures of keys we do not know may change without harm; more than that may not.
    same([variants.length > 5000, both > 1, both < variants.length / 2], [true, true, true])
  })
}

interface Proved {
  readonly roots: readonly string[]
  readonly records: readonly (readonly string[])[]
  readonly trees: readonly (readonly string[])[]
}

async function checkTheirProofs(): Promise<void> {
  const entries = Array.from({ length: 70 }, (_, n) => entryAt(n))
  const hashes = entries.map(leafHash)
  const sizes = entries.map((_, n) => n + 1)
  const pairs = sizes.flatMap((size) => Array.from({ length: size }, (_, n) => [n, size] as const))
  const { roots, records, trees } = go<Proved>('prove', {
    entries: entries.map(base64),
    records: pairs,
    trees: pairs.map(([n, size]) => [n + 1, size]),
  })
  const rootAt = (size: number): Hash => bytesOf(roots[size] ?? '')
  const read = async (level: number, index: bigint) => {
    const start = Number(index) << level
    return rootOfData(entries.slice(start, start + (1 << level)))
  }
  await check('sumdb/tlog has our roots', async () => {
    for (const [size, root] of roots.entries()) {
      same(base64(rootOfData(entries.slice(0, size))), root)
      same(base64(await rootFrom(read, BigInt(size))), root)
    }
  })
  await check(`sumdb/tlog makes our ${pairs.length} inclusion proofs, and we accept them`, async () => {
    for (const [at, [n, size]] of pairs.entries()) {
      const proof = (records[at] ?? []).map(bytesOf)
      const claim = {
        leafHash: hashes[n] ?? EMPTY_ROOT,
        index: BigInt(n),
        size: BigInt(size),
        proof,
        root: rootAt(size),
      }
      same(verifyInclusion(claim), undefined)
      same((await inclusionProofFrom(read, BigInt(n), BigInt(size))).map(base64), records[at])
    }
  })
  await check(`and our ${pairs.length} consistency proofs`, async () => {
    for (const [at, [n, size]] of pairs.entries()) {
      const [size1, size2] = [BigInt(n + 1), BigInt(size)]
      const proof = (trees[at] ?? []).map(bytesOf)
      same(verifyConsistency({ size1, size2, root1: rootAt(n + 1), root2: rootAt(size), proof }), undefined)
      same((await consistencyProofFrom(read, size1, size2)).map(base64), trees[at])
    }
  })
}

interface Followed {
  readonly values: Readonly<Record<string, string | null>> | null
  readonly origin: string
  readonly leaf: string
  readonly error: string
}

const ROWS = 300

/** Proofs of events of a real home, each followed from the row up by a program that shares no line with ours. */
async function checkProofFiles(): Promise<void> {
  const bench = await TakingBench.open()
  try {
    for (const [name, from, to] of [['a.json', 1, ROWS] as const, ['b.json', 1001, 1040] as const])
      await bench.take(await bench.file(name, deliveryLines(from, to)))
    const events = await bench.events<{ event_id: string; request_id: string; user_agent: string | null }>(
      'event_id, request_id, user_agent',
      'ORDER BY event_id',
    )
    const chosen = events.filter((_, at) => at % 23 === 0)
    const sealing = await bench.sealing()
    const texts = await proofsOf(sealing, chosen)
    const { vkey } = sealing.sealer
    const follow = (proofs: readonly string[]): Followed[] =>
      go('follow', { vkeys: [vkey], proofs: proofs.map((text) => base64(Buffer.from(text))) })
    await check(
      `a Go program follows ${chosen.length} proof files from the row to the checkpoint, and finds the events`,
      () => {
        const found = follow(texts)
        same([events.length, found.map(({ error }) => error)], [ROWS + 40, chosen.map(() => '')])
        same(
          found.map(({ values }) => [values?.event_id, values?.request_id, values?.user_agent]),
          chosen.map(({ event_id, request_id, user_agent }) => [event_id, request_id, user_agent]),
        )
        same(new Set(found.map(({ leaf }) => leaf)).size, 2)
      },
    )
    await check('and refuses each of them with another value, place, path, digest or checkpoint', () => {
      const wrong = texts.flatMap(changedProofs)
      const accepted = follow(wrong).filter(({ error }) => error === '')
      same([wrong.length >= 8 * texts.length, accepted], [true, []])
    })
  } finally {
    await bench.close()
  }
}

async function proofsOf(sealing: Sealing, events: readonly { readonly event_id: string }[]): Promise<string[]> {
  const texts: string[] = []
  for (const { event_id } of events) texts.push((await sealing.prove(event_id)).text)
  return texts
}

/** The proof with one thing changed each time, and its canonical JSON written anew. */
function changedProofs(text: string): string[] {
  const { evidence, ...parts } = parseProof(text)
  if (evidence === undefined || !('values' in evidence.row)) throw new Error('The proof has no row.')
  const { entry, file, row } = evidence
  const withRow = (change: object) => proofText({ ...parts, evidence: { ...evidence, row: { ...row, ...change } } })
  const flipped = (hex: string) => `${hex.slice(0, -1)}${hex.endsWith('0') ? '1' : '0'}`
  const at = row.values.findIndex((value) => value !== null)
  return [
    withRow({ values: row.values.with(at, `${row.values[at]}x`) }),
    withRow({ values: row.values.map((value) => value ?? '') }),
    withRow({ names: [...row.names].reverse() }),
    withRow({ position: row.position ^ 1 }),
    withRow({ page: flipped(row.page) }),
    withRow({ path: row.path.length === 0 ? ['00'.repeat(32)] : row.path.with(0, flipped(row.path[0] ?? '')) }),
    proofText({ ...parts, evidence: { ...evidence, file: { ...file, record: { ...file.record, rows: 7 } } } }),
    proofText({ ...parts, evidence: { ...evidence, entry: { ...entry, time: '2020-01-01T00:00:00.000Z' } } }),
    proofText({ ...parts, evidence, index: parts.index ^ 1n }),
    proofText({ ...parts, evidence, checkpoint: parts.checkpoint.replace('\n', 'x\n') }),
  ]
}

/** Notes of a third maker: the checkpoints of the test log of tessera. */
async function checkForeignNotes(): Promise<void> {
  const path = join(import.meta.dirname, '../../fixtures/seal/tlog-tiles-log.json')
  const { vkey, checkpoints } = JSON.parse(await readFile(path, 'utf8')) as { vkey: string; checkpoints: string[] }
  await check('sumdb/note and we open the checkpoints of tessera alike', () => {
    const theirs = openByGo([vkey], checkpoints)
    same(
      theirs.map(({ text }) => text),
      checkpoints.map((note) => openNote(note, [parseVkey(vkey)]).text),
    )
  })
}

try {
  let built = false
  await check('the Go program is built', () => {
    build()
    built = true
  })
  if (built) {
    await checkOurLog()
    await checkTheirNotes()
    await checkTheirProofs()
    await checkProofFiles()
    await checkForeignNotes()
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
