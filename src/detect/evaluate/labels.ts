/** What is known of a labelled folder: which events are attacks, and which rules should tell of them. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, messageOf } from '../../core/errors.ts'
import type { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'

/** Name of the file with the labels, in the folder of the logs. */
const LABELS_FILE = 'labels.json'

/** One attack in the logs. */
export interface LabelledScenario {
  readonly id: string
  readonly title: string
  /** Rules that should tell of it, by name or the name of their file; where it names none, every rule may. */
  readonly rules: readonly string[]
  /** `requestId` of its events. */
  readonly requestIds: readonly string[]
}

/** Reads the labels of a folder. Throws NO_SOURCE where there are none, BAD_ARGUMENT where they cannot be read. */
export async function readLabels(folder: string): Promise<readonly LabelledScenario[]> {
  const path = join(folder, LABELS_FILE)
  const text = await readFile(path, 'utf8').catch(async (cause: unknown) => {
    const isThere = await stat(folder).then(
      () => true,
      () => false,
    )
    throw new AppError('NO_SOURCE', isThere ? `${folder} has no ${LABELS_FILE}.` : `There is no folder ${folder}.`, {
      where: path,
      hint: 'Write a labelled folder with `bricktrail simulate --out DIR`.',
      cause,
    })
  })
  try {
    return scenariosOf(JSON.parse(text))
  } catch (cause) {
    throw new AppError('BAD_ARGUMENT', `${path} is no list of labels: ${messageOf(cause)}.`, {
      where: path,
      hint: 'Write it anew with `bricktrail simulate --out DIR`.',
      cause,
    })
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function scenariosOf(labels: unknown): LabelledScenario[] {
  const list = isRecord(labels) ? labels.scenarios : undefined
  if (!Array.isArray(list)) throw new Error('it has no list `scenarios`')
  return list.map((entry: unknown, at) => {
    if (!isRecord(entry) || typeof entry.id !== 'string') throw new Error(`scenario ${at + 1} has no id`)
    const title = typeof entry.title === 'string' ? entry.title : entry.id
    return { id: entry.id, title, rules: textsOf(entry.rules), requestIds: textsOf(entry.requestIds) }
  })
}

const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])

/** The table that {@link writeAttacks} makes: `event_id`, `scenario`. */
export const ATTACKS = 'temp.attack_events'

/** Rows of a statement that writes the labels. */
const ROWS_A_STATEMENT = 5000

/** Looks up the events of the scenarios in a relation of events. */
export async function writeAttacks(
  engine: Engine,
  scenarios: readonly LabelledScenario[],
  relation: string,
): Promise<void> {
  await engine.run('CREATE OR REPLACE TEMP TABLE attack_requests (request_id VARCHAR, scenario VARCHAR)')
  const rows = scenarios.flatMap(({ id, requestIds }) => requestIds.map((request) => `(${lit(request)}, ${lit(id)})`))
  for (let at = 0; at < rows.length; at += ROWS_A_STATEMENT) {
    await engine.run(`INSERT INTO temp.attack_requests VALUES ${rows.slice(at, at + ROWS_A_STATEMENT).join(', ')}`)
  }
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE attack_events AS SELECT DISTINCT e.event_id, r.scenario FROM ${relation} e JOIN temp.attack_requests r USING (request_id)`,
  )
}
