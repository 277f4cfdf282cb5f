/**
 * Bytes that the engine makes, taken by this process where they lie. A value at a time costs more to hand over than to digest, and
 * as rows of a result they are copied twice; so a statement passes its values to a function of this process, a vector at a time, and
 * what lies side by side is read at once.
 */
import './allocator.ts'
import { BIGINT, BLOB, BOOLEAN, type DuckDBDataChunk, DuckDBScalarFunction, VARCHAR } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { AppError } from '../core/errors.ts'
import type { Engine } from './duckdb.ts'

/** Takes a value with the file and the place that it stands for. Its bytes are gone when it returns; what it throws ends the statement. */
export type TakeBytes = (bytes: Uint8Array, file: string, place: number) => void

/** Bytes read at once: enough to make light of a call, few enough to stay in the processor's caches. */
const READ_BYTES = 128 * 1024

/** A value of a column of bytes or text takes 16: its length, then up to 12 bytes, or the first 4 and the address of all of it. */
const VALUE_BYTES = 16
const INLINE_BYTES = 12
const WORDS = VALUE_BYTES / 4
const PLACE_BYTES = 8
const HIGH_WORD = 2 ** 32

interface Taking {
  readonly take: TakeBytes
  count: number
  failure: unknown
}

const NAME = 'take_bytes'
const known = new WeakSet<object>()
const takings = new Map<number, Taking>()
let begun = 0

/**
 * Passes a value of each row of a relation to `take`, in no order. Not within a transaction: what the first call makes known to the
 * database would go with it.
 *
 * @param relation what follows FROM
 * @param sql expressions over its columns, none of which may be NULL: the value (BLOB), the name of a file, and a place (BIGINT)
 * @param onPlanned called before the first is passed, once the engine looks at no more settings
 * @throws AppError ENGINE as the engine does; what `take` throws
 */
export async function takeBytes(
  engine: Engine,
  relation: string,
  sql: { readonly bytes: string; readonly file: string; readonly place: string },
  take: TakeBytes,
  onPlanned: () => void = () => {},
): Promise<void> {
  makeKnown(engine)
  const number = begun++
  const taking: Taking = { take, count: 0, failure: undefined }
  takings.set(number, taking)
  try {
    const run = await engine.planned<{ rows: string }>(
      `SELECT count(*) AS rows, count(${NAME}(${sql.bytes}, ${sql.file}, ${sql.place}, ${number})) AS taken FROM ${relation}`,
    )
    onPlanned()
    const rows = Number((await run())[0]?.rows)
    if (rows !== taking.count)
      throw new AppError('ENGINE', `The engine passed on the values of ${taking.count} rows of ${rows}.`)
  } catch (cause) {
    throw taking.failure ?? cause
  } finally {
    takings.delete(number)
  }
}

/** Makes the function known to the database, which keeps it for all its connections. */
function makeKnown({ connection, database }: Engine): void {
  if (known.has(database)) return
  connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      name: NAME,
      parameterTypes: [BLOB, VARCHAR, BIGINT, BIGINT],
      returnType: BOOLEAN,
      volatile: true,
      mainFunction: (_info, chunk) => passOn(chunk),
    }),
  )
  known.add(database)
}

function passOn(chunk: DuckDBDataChunk): void {
  const number = duckdb.vector_get_data(duckdb.data_chunk_get_vector(chunk.chunk, 3), PLACE_BYTES) as Buffer
  const taking = takings.get(Number(number.readBigInt64LE()))
  if (taking === undefined) throw new Error('Nobody takes these values.')
  try {
    takeChunk(chunk, taking.take)
    taking.count += chunk.rowCount
  } catch (cause) {
    taking.failure = cause
    throw cause
  }
}

/** The values of a column as they lie; where one is NULL, what lies there is anything. */
function column({ chunk, rowCount }: DuckDBDataChunk, index: number, width: number): Buffer {
  const vector = duckdb.data_chunk_get_vector(chunk, index)
  // A bit for each row, 0 where it is NULL; nothing where none is.
  const valid: Uint8Array | null = duckdb.vector_get_validity(vector, Math.ceil(rowCount / 64) * 8)
  for (let at = 0; valid !== null && at < rowCount; at++)
    if (((valid[at >> 3] as number) & (1 << (at & 7))) === 0)
      throw new AppError('ENGINE', 'A row has no value, file or place.')
  return duckdb.vector_get_data(vector, rowCount * width) as Buffer
}

function takeChunk(chunk: DuckDBDataChunk, take: TakeBytes): void {
  const count = chunk.rowCount
  const [values, files] = [new Values(column(chunk, 0, VALUE_BYTES)), new Values(column(chunk, 1, VALUE_BYTES))]
  const places = column(chunk, 2, PLACE_BYTES)
  let file = files.text(0)
  for (let at = 0; at < count; ) {
    const after = values.together(at, count)
    const bytes = values.bytes(at, after)
    for (let from = 0; at < after; at++) {
      if (at > 0 && !files.isSame(at, at - 1)) file = files.text(at)
      const place = places.readInt32LE(at * PLACE_BYTES + 4) * HIGH_WORD + places.readUInt32LE(at * PLACE_BYTES)
      const end = from + values.length(at)
      take(bytes.subarray(from, end), file, place)
      from = end
    }
    values.giveBack(bytes)
  }
  for (const each of [values, files]) each.end()
  free(places)
}

/** The values of a column of bytes or texts. */
class Values {
  readonly #bytes: Buffer
  readonly #words: Uint32Array

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  }

  length(at: number): number {
    return this.#words[at * WORDS] as number
  }

  text(at: number): string {
    return this.bytes(at, at + 1).toString('utf8')
  }

  /** True if both are the same value in the same place. */
  isSame(a: number, b: number): boolean {
    const [words, one, other] = [this.#words, a * WORDS, b * WORDS]
    for (let word = 0; word < WORDS; word++) if (words[one + word] !== words[other + word]) return false
    return true
  }

  /** The row after those whose values lie side by side from this one on, with no byte between them. */
  together(first: number, count: number): number {
    const start = this.#address(first)
    let end = start + this.length(first)
    let at = first + 1
    if (this.length(first) <= INLINE_BYTES) return at
    for (; at < count && end - start < READ_BYTES && this.length(at) > INLINE_BYTES; at++) {
      if (this.#address(at) !== end) break
      end += this.length(at)
    }
    return at
  }

  /** The bytes of values that lie side by side. */
  bytes(first: number, after: number): Buffer {
    const offset = first * VALUE_BYTES
    const length = this.length(first)
    if (length <= INLINE_BYTES) return this.#bytes.subarray(offset + 4, offset + 4 + length)
    const end = this.#address(after - 1) + this.length(after - 1)
    const { buffer, byteOffset } = this.#bytes
    return duckdb.get_data_from_pointer(
      buffer as ArrayBuffer,
      byteOffset + offset + 8,
      end - this.#address(first),
    ) as Buffer
  }

  /** Frees what {@link bytes} gave. */
  giveBack(bytes: Buffer): void {
    if (bytes.buffer !== this.#bytes.buffer) free(bytes)
  }

  /** Frees the column; it has no values any more. */
  end(): void {
    free(this.#bytes)
  }

  #address(at: number): number {
    return (this.#words[at * WORDS + 3] as number) * HIGH_WORD + (this.#words[at * WORDS + 2] as number)
  }
}

/**
 * Frees memory that the engine's values were copied to. The next copy is then in the same memory, which the processor's caches hold;
 * the collector would come long after, and go over all else each time.
 */
function free({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}
