/**
 * The events of a lake as a stream: in the order of batches, and in each by time and id. No merging of files changes that order,
 * so a place in it means the same for ever.
 */
import type { Home } from '../core/home.ts'
import type { Engine } from '../engine/duckdb.ts'
import { ident, lit } from '../engine/sql.ts'
import type { ExportFormat } from '../export/contract.ts'
import { scanSql } from '../lake/read.ts'
import type { DataFile } from '../lake/snapshot.ts'
import { DeltaTable, EVENTS_TABLE } from '../lake/table.ts'
import type { Item } from './contract.ts'
import type { FeedPlace } from './streams.ts'

/** What a destination wants to have. */
export interface Wanted {
  readonly format: ExportFormat
  /** SQL over the columns of `events`. */
  readonly filter: string
}

/** A stretch of the stream. */
export interface Stretch {
  readonly items: readonly Item[]
  /** Where the stream goes on; after a stretch without items too. */
  readonly to: FeedPlace
}

/** How much one stretch holds at most. */
export interface Most {
  readonly items: number
  /** Of the records as they were delivered; one event is read whatever its length. */
  readonly bytes: number
}

/** Stretches whose ends are worked out at once: a batch is sorted for that, and one of a million events is long. */
const ENDS_AT_ONCE = 64
/** Ends that are remembered, for all destinations. */
const MOST_ENDS = 4096

/** What keeps its order: who did it. */
const KEY = "coalesce(actor.email, actor.id, actor.name, workspace_id, '')"

/** Batch ids begin with their number in nine digits. */
const digits = (batch: number): string => `b${String(batch).padStart(9, '0')}`
const numberOf = (batchId: string): number => Number(/^b(\d{9})/.exec(batchId)?.[1] ?? Number.NaN)

/** Reads the events of one lake, for several destinations in turn. */
export class EventFeed {
  readonly #engine: Engine
  readonly #table: DeltaTable
  #files: readonly { readonly file: DataFile; readonly first: number; readonly last: number }[] = []
  #batches: readonly number[] = []
  #turn: Promise<unknown> = Promise.resolve()
  /** Where stretches end, by where they begin, what is wanted and how much of it. */
  readonly #ends = new Map<string, FeedPlace>()
  /** What makes the JSON of a format with columns, by its name. */
  readonly #members = new Map<string, string>()

  constructor(home: Pick<Home, 'events'>, engine: Engine) {
    this.#engine = engine
    this.#table = DeltaTable.at(home.events, EVENTS_TABLE)
  }

  /** Looks at the lake anew; returns the number of its last batch, 0 for none. */
  refresh(): Promise<number> {
    return this.#inTurn(() => this.#refresh())
  }

  async #refresh(): Promise<number> {
    const { files } = await this.#table.snapshot()
    const paths = new Set(files.map(({ path }) => path))
    // Merging changes no place, but a lake that was put back has other batches.
    if (!this.#files.every(({ file }) => paths.has(file.path))) this.#ends.clear()
    this.#files = files.map((file) => ({ file, ...batchesOf(file) }))
    // What merges hold of batches shows only inside; where nothing is of a batch, reading it finds nothing.
    const known = new Set(this.#files.flatMap(({ first, last }) => (last === Infinity ? [] : range(first, last))))
    this.#batches = [...known].sort((a, b) => a - b)
    return this.#batches.at(-1) ?? 0
  }

  /** Waits until nothing is read any more. */
  async idle(): Promise<void> {
    await this.#turn
  }

  /** The events after a place, `most` of them and one batch's at most; undefined where there is nothing after it. */
  after(place: FeedPlace, wanted: Wanted, most: Most): Promise<Stretch | undefined> {
    return this.#inTurn(() => this.#after(place, wanted, most))
  }

  async #after(place: FeedPlace, wanted: Wanted, most: Most): Promise<Stretch | undefined> {
    const batch = place.after === undefined ? this.#batches.find((number) => number > place.batch) : place.batch
    if (batch === undefined) return undefined
    const beginning = (at: FeedPlace) => JSON.stringify([batch, at.after, wanted.filter, most])
    if (!this.#ends.has(beginning(place))) {
      let from = place
      for (const to of await this.#endsAfter(batch, place, wanted, most)) {
        this.#ends.set(beginning(from), to)
        from = to
      }
      for (const key of this.#ends.keys()) if (this.#ends.size > MOST_ENDS) this.#ends.delete(key)
    }
    const to = this.#ends.get(beginning(place)) ?? { batch }
    return { items: await this.#between(place, to, wanted), to }
  }

  /** Where the next stretches of a batch end, in their order; the end of the batch is the last, if it is among them. */
  async #endsAfter(batch: number, place: FeedPlace, { filter }: Wanted, { items, bytes }: Most): Promise<FeedPlace[]> {
    const limit = items * ENDS_AT_ONCE
    // An event counts as its share at least, so that both bounds hold.
    const ends = await this.#engine.rows<{ time: string; id: string; n: number }>(
      `SELECT max_by(time, (time, id))::VARCHAR AS time, max_by(id, (time, id)) AS id, count(*)::INTEGER AS n FROM (
         SELECT time, id, (sum(greatest(bytes, ${Math.ceil(bytes / items)})) OVER so_far - 1) // ${bytes} AS stretch FROM (
           SELECT epoch_us(event_time) AS time, event_id AS id, coalesce(record_bytes, 0) AS bytes FROM ${this.#relation(batch, place)}
           WHERE ${afterSql(place)} AND (${filter}) ORDER BY 1, 2 LIMIT ${limit})
         WINDOW so_far AS (ORDER BY time, id ROWS UNBOUNDED PRECEDING))
       GROUP BY stretch ORDER BY stretch`,
    )
    const places = ends.map(({ time, id }): FeedPlace => ({ batch, after: { timeUs: time, id } }))
    const isAll = ends.reduce((sum, { n }) => sum + n, 0) < limit
    return isAll ? [...places.slice(0, -1), { batch }] : places
  }

  /** The events after one place up to and with another, which is of the same batch or of the one after. */
  between({ from, to }: { readonly from: FeedPlace; readonly to: FeedPlace }, wanted: Wanted): Promise<Item[]> {
    return this.#inTurn(() => this.#between(from, to, wanted))
  }

  async #between(from: FeedPlace, to: FeedPlace, wanted: Wanted): Promise<Item[]> {
    const upTo = to.after === undefined ? 'true' : besideSql('<', to.after, true)
    const relation = `(SELECT * FROM ${this.#relation(to.batch, from, to)} WHERE ${[afterSql(from), upTo, `(${wanted.filter})`].join(' AND ')})`
    // One text for all: thousands of short texts cost the way from the engine to here many times what is in them.
    const { text } = await this.#engine.row<{ text: string | null }>(
      `SELECT string_agg(concat_ws(chr(9), feed_id, feed_us, to_json(feed_key), line), chr(10) ORDER BY feed_us, feed_id) AS text
       FROM (${await this.#linesSql(wanted.format, relation)})`,
    )
    return text === null ? [] : text.split('\n').map(itemOf)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }

  /** A relation's events as lines; those of formats with columns become JSON objects. */
  async #linesSql(format: ExportFormat, relation: string): Promise<string> {
    const selected = format.select(relation, ALSO)
    if (format.shape === 'lines') return selected
    const members = this.#members.get(format.name) ?? (await this.#membersOf(format, relation))
    this.#members.set(format.name, members)
    return `SELECT feed_id, feed_key, feed_us, to_json({${members}})::VARCHAR AS line FROM (${selected})`
  }

  async #membersOf(format: ExportFormat, relation: string): Promise<string> {
    const columns = await this.#engine.rows<{ column_name: string; column_type: string }>(
      `DESCRIBE ${format.select(relation)}`,
    )
    const members = columns.map(({ column_name: name, column_type: type }) => {
      const value = type.startsWith('TIMESTAMP') ? `strftime(${ident(name)}, '%Y-%m-%dT%H:%M:%S.%fZ')` : ident(name)
      return `${lit(name)}: ${value}`
    })
    return members.join(', ')
  }

  /** A batch's events, and of those outside two places as few as the engine can leave out at once. */
  #relation(batch: number, { after: from }: FeedPlace, { after: to }: Partial<FeedPlace> = {}): string {
    const [fromMs, toMs] = [from === undefined ? -Infinity : msOf(from) - 1, to === undefined ? Infinity : msOf(to) + 1]
    const files = this.#files.filter(
      ({ file: { minTimeMs = -Infinity, maxTimeMs = Infinity }, first, last }) =>
        batch >= first && batch <= last && minTimeMs <= toMs && maxTimeMs >= fromMs,
    )
    const conditions = [
      ...(from === undefined ? [] : [`event_time >= ${timeSql(fromMs)}`]),
      ...(to === undefined ? [] : [`event_time <= ${timeSql(toMs)}`]),
      ...(files.every(({ first, last }) => first === last) ? [] : [`starts_with(batch_id, ${lit(digits(batch))})`]),
    ]
    const scan = scanSql(
      this.#table,
      files.map(({ file }) => file),
    )
    return `(SELECT * FROM ${scan} WHERE ${['true', ...conditions].join(' AND ')})`
  }
}

function itemOf(row: string): Item {
  const [idEnd, timeEnd] = [row.indexOf('\t'), row.indexOf('\t', row.indexOf('\t') + 1)]
  const keyEnd = row.indexOf('\t', timeEnd + 1)
  return {
    id: row.slice(0, idEnd),
    key: JSON.parse(row.slice(timeEnd + 1, keyEnd)) as string,
    timeMs: Math.floor(Number(row.slice(idEnd + 1, timeEnd)) / 1000),
    text: row.slice(keyEnd + 1),
  }
}

/** Whether an event comes behind or before a place. The engine has no bounds for pairs, so their parts are compared. */
const besideSql = (sign: '>' | '<', { timeUs, id }: NonNullable<FeedPlace['after']>, andItself = false): string =>
  `(epoch_us(event_time) ${sign} ${timeUs} OR (epoch_us(event_time) = ${timeUs} AND event_id ${sign}${andItself ? '=' : ''} ${lit(id)}))`

const afterSql = ({ after }: FeedPlace): string => (after === undefined ? 'true' : besideSql('>', after))

const ALSO = ['event_id AS feed_id', `${KEY} AS feed_key`, 'epoch_us(event_time) AS feed_us']

/** First and last batch a file holds rows of, as its statistics tell; any, where they do not. */
function batchesOf({ stats }: DataFile): { first: number; last: number } {
  const { minValues, maxValues } = JSON.parse(stats || '{}') as Readonly<
    Record<string, Record<string, unknown> | undefined>
  >
  const [first, last] = [numberOf(String(minValues?.batch_id)), numberOf(String(maxValues?.batch_id))]
  return Number.isNaN(first + last) ? { first: 1, last: Infinity } : { first, last }
}

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)

const msOf = ({ timeUs }: NonNullable<FeedPlace['after']>): number => Math.floor(Number(timeUs) / 1000)

const timeSql = (ms: number): string => `TIMESTAMPTZ ${lit(new Date(ms).toISOString())}`
