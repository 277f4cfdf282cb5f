/** What the benchmark is told on the command line. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from './data.ts'

/** Rows that can be asked for with `--only`. */
export const ROWS = [
  'bare',
  'floor',
  'chdb',
  'ours',
  'unsealed',
  'unchanged',
  'query',
  'verify',
  'detect',
  'rsigma',
  'correlate',
  'deliver',
  'alert',
  'serve',
  'small',
  'steady',
  'large',
] as const

/** Rows that take long to make ready; measured with `--large`, or when named. */
const ONLY_LARGE: readonly RowName[] = ['large', 'serve']

/** A row's name. */
export type RowName = (typeof ROWS)[number]

/** What to measure, and how large. */
export interface BenchOptions {
  readonly events: number
  readonly rounds: number
  readonly smallObjects: number
  /** Events already in the day that small batches go into; one row each. */
  readonly days: readonly number[]
  readonly rows: readonly RowName[]
  /** Events of the rows `large` and `serve`. */
  readonly largeEvents: number
  /** How long people ask in the row `serve`. */
  readonly serveSeconds: number
  readonly json: string | undefined
  readonly keep: boolean
  /** Folder with a `node_modules` that has `chdb`; undefined where it is not installed. */
  readonly peers: string | undefined
}

/** Said on `--help`. */
export const USAGE = `node bench/run.ts [--quick] [--large] [--events N] [--rounds N] [--only row,row] [--json FILE] [--keep] [--peers DIR]
rows: ${ROWS.join(', ')}
--quick   100,000 events, 1,000 objects, one round: to see that it runs, not to quote
--large   also 10 million events, a day of 50 million, and 50 people with the explorer over 10 million events
--keep    leave the homes that were filled, under bench-data/
--peers   folder whose node_modules holds chdb (default test/peers)
`

/** Reads the arguments; undefined asks for help. Throws on what it does not know. */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      large: { type: 'boolean', default: false },
      events: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string' },
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
      peers: { type: 'string', default: join(ROOT, 'test', 'peers') },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const { quick, large, peers } = values
  return {
    events: whole('--events', values.events ?? (quick ? '100000' : '1000000')),
    rounds: whole('--rounds', values.rounds ?? (quick ? '1' : '5')),
    smallObjects: quick ? 1000 : 10_000,
    days: quick ? [500_000] : large ? [5_000_000, 50_000_000] : [5_000_000],
    rows: rowsOf(values.only, large),
    largeEvents: quick ? 1_000_000 : 10_000_000,
    serveSeconds: quick ? 60 : 600,
    json: values.json,
    keep: values.keep,
    peers: existsSync(join(peers, 'node_modules', 'chdb')) ? peers : undefined,
  }
}

function whole(flag: string, text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new Error(`${flag} must be a whole number above 0, not "${text}".`)
}

function rowsOf(only: string | undefined, large: boolean): RowName[] {
  if (only === undefined) return ROWS.filter((row) => !ONLY_LARGE.includes(row) || large)
  return only.split(',').map((name) => {
    const row = ROWS.find((known) => known === name.trim())
    if (row === undefined) throw new Error(`There is no row "${name}"; the rows are ${ROWS.join(', ')}.`)
    return row
  })
}
