/** `bricktrail rules explain`. */
import { AppError } from '../../core/errors.ts'
import type { Home } from '../../core/home.ts'
import { jsonText, printable } from '../../core/printable.ts'
import { chosenRules } from '../../detect/review/chosen.ts'
import { linesText } from '../../detect/review/describe.ts'
import { explained, type TracedRule, tracedRule } from '../../detect/review/explain.ts'
import type { TracedPart } from '../../detect/review/trace.ts'
import { SEGMENT_RULE } from '../../detect/segment/segment.ts'
import { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { scanSql } from '../../lake/read.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import type { CliContext } from '../contract.ts'
import { type PackFlags, packInForce } from './pack.ts'

/** Flags of `rules explain`. */
export interface ExplainFlags extends PackFlags {
  readonly sql?: boolean
}

/** Explains a rule; with an event, why it matches it or does not. */
export async function explainRule(
  cli: CliContext,
  name: string,
  event: string | undefined,
  flags: ExplainFlags,
): Promise<void> {
  const pack = await packInForce(cli, flags, { examples: false })
  const rules = chosenRules(pack, [name])
  for (const rule of rules) {
    if (event !== undefined && rule.key === SEGMENT_RULE) {
      throw new AppError('BAD_ARGUMENT', `${SEGMENT_RULE} has no selections that could be asked of one event.`, {
        hint: 'Its findings say what puts an event on either side; `bricktrail rules backtest environment-crossing` shows some.',
      })
    }
    if (event !== undefined) {
      const traced = await withEvent(cli.home(), event, (engine, row) => tracedRule(engine, pack, rule, row))
      cli.out(
        cli.json() ? `${jsonText({ rule: rule.key, event, asked: traced })}\n` : tracedText(rule.rule.kind, traced),
      )
      continue
    }
    const parts = explained(pack, rule)
    if (cli.json()) cli.out(`${jsonText({ rule: rule.key, parts })}\n`)
    else if (flags.sql === true) cli.out(parts.map(({ sql }) => `${sql};\n`).join('\n'))
    else
      cli.out(
        parts
          .map(({ title, words, sql }) => `${printable(title)}\n${printableWords(linesText(words))}\n${sql}\n`)
          .join('\n'),
      )
  }
}

const printableWords = (text: string): string =>
  text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${printable(line)}`))
    .join('\n')

const HELD = { true: '✓', false: '✗' } as const

function tracedText(kind: string, traced: readonly TracedRule[]): string {
  const texts = traced.map(({ title, matches, parts }) => {
    const lines = parts.map(({ depth, text, holds, observed }: TracedPart) => {
      const has =
        observed === undefined ? '' : observed === null ? '   (nothing there)' : `   (${JSON.stringify(observed)})`
      return `  ${HELD[`${holds}`]} ${'  '.repeat(depth)}${printable(text)}${printable(has)}\n`
    })
    return `${printable(title)}: ${matches ? 'matches' : 'does not match'}\n${lines.join('')}`
  })
  const more =
    kind === 'detection'
      ? ''
      : '\nWhether the rule fires depends on other events too; `bricktrail rules backtest` tells.\n'
  return texts.join('\n') + more
}

/** Runs work on the row of an event; throws BAD_ARGUMENT where the lake has none of that id. */
async function withEvent<T>(home: Home, id: string, work: (engine: Engine, row: string) => Promise<T>): Promise<T> {
  const table = DeltaTable.at(home.events, EVENTS_TABLE)
  const snapshot = await table.snapshot()
  if (snapshot.version < 0) throw new AppError('NO_LAKE', `There is no lake in ${home.root}.`)
  const engine = await Engine.open()
  try {
    await engine.run(
      `CREATE TEMP TABLE explained_event AS SELECT * FROM ${scanSql(table, snapshot.files)} WHERE event_id = ${lit(id)} LIMIT 1`,
    )
    const { n } = await engine.row<{ n: number }>('SELECT count(*)::INTEGER AS n FROM temp.explained_event')
    if (n === 0) {
      throw new AppError('BAD_ARGUMENT', `The lake has no event ${id}.`, {
        hint: '`bricktrail events --format json` lists events with their ids.',
      })
    }
    return await work(engine, 'temp.explained_event')
  } finally {
    engine.close()
  }
}
