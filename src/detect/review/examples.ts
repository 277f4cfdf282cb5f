/** Runs the examples of rules: records become events, events go through a pass, and what it finds is compared. */
import type { Home } from '../../core/home.ts'
import { isYamlMap } from '../../core/yaml/documents.ts'
import { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { detectOver, FOUND, type OverReport } from '../job/over.ts'
import type { PackRule, RulePack } from '../pack/pack.ts'
import { EXAMPLE_EVENTS, loadExamples, prepareExamples } from './example-events.ts'
import { casesOf, copyKey, type ExampleCase, isolated, rulesByName } from './isolated.ts'
import { type TracedPart, traceEvent } from './trace.ts'

/** How an example came out. */
export interface ExampleResult extends ExampleCase {
  readonly passed: boolean
  /** Why it failed, in sentences; empty for one that passed. */
  readonly why: readonly string[]
}

/** How examples are run. */
export interface ExampleOptions {
  /** Where compiled networks are kept between runs. */
  readonly home: Home
  /** Picks rules; all where absent. */
  readonly wanted?: (rule: PackRule) => boolean
  readonly threads?: number
}

/** Runs the examples of a pack, all at once: each has copies of its rule that see no other events. */
export async function runExamples(pack: Pick<RulePack, 'rules'>, options: ExampleOptions): Promise<ExampleResult[]> {
  const cases = casesOf(pack, options.wanted)
  if (cases.length === 0) return []
  const engine = await Engine.open(options.threads === undefined ? {} : { threads: options.threads })
  try {
    await prepareExamples(engine, options.home)
    return await new ExampleRun(engine, cases, rulesByName(pack.rules)).results()
  } finally {
    engine.close()
  }
}

/** Kinds of baseline that compare with what counts as now. */
const ABOUT_NOW: readonly string[] = ['silent_source', 'drop']

/** What counts as now in an example: as it says, or its last record where the rule is about silence. */
function nowOf({ rule: { rule }, example }: ExampleCase): string {
  if (example.asOf !== undefined) return example.asOf
  if (rule.kind !== 'baseline' || !ABOUT_NOW.includes(rule.type)) return LATER
  const times = example.records.flatMap((record) => (isYamlMap(record) ? [Date.parse(String(record.timestamp))] : []))
  return new Date(Math.max(...times.filter(Number.isFinite), 0)).toISOString()
}

/** Rules about events do not ask what time it is. */
const LATER = '2100-01-01T00:00:00Z'

class ExampleRun {
  readonly #engine: Engine
  readonly #cases: readonly ExampleCase[]
  readonly #byName: ReadonlyMap<string, PackRule>
  readonly #why = new Map<string, string[]>()
  readonly #summaries = new Map<string, string>()

  constructor(engine: Engine, cases: readonly ExampleCase[], byName: ReadonlyMap<string, PackRule>) {
    this.#engine = engine
    this.#cases = cases
    this.#byName = byName
  }

  async results(): Promise<ExampleResult[]> {
    const unread = await loadExamples(
      this.#engine,
      this.#cases.map(({ id, example }) => ({ id, records: example.records })),
    )
    for (const { id, reason } of unread) this.#tell(id, `A record makes no event: ${reason}.`)
    const matches = new Map<string, number>()
    for (const [now, cases] of Map.groupBy(this.#cases, nowOf)) {
      const report = await this.#pass(cases, new Date(now))
      for (const [key, count] of report.matches) matches.set(key, count)
    }
    for (const each of this.#cases) await this.#judge(each, matches)
    return this.#cases.map((each) => {
      const why = this.#why.get(each.id) ?? []
      return { ...each, passed: why.length === 0, why }
    })
  }

  #tell(id: string, sentence: string): void {
    this.#why.set(id, [...(this.#why.get(id) ?? []), sentence])
  }

  async #pass(cases: readonly ExampleCase[], now: Date): Promise<OverReport> {
    const copies = cases.map((each) => ({ id: each.id, rules: isolated(each, this.#byName) }))
    const ids = cases.map(({ id }) => lit(id)).join(', ')
    const relation = `(SELECT * FROM ${EXAMPLE_EVENTS} WHERE source_object IN (${ids}))`
    const report = await detectOver(this.#engine, { rules: copies.flatMap(({ rules }) => rules) }, relation, { now })
    const idOf = new Map(copies.flatMap(({ id, rules }) => rules.map(({ key }) => [key, id] as const)))
    for (const { key, message } of report.leftOut) this.#tell(idOf.get(key) ?? '', `It could not be run: ${message}`)
    for (const { message, hint } of report.problems)
      for (const { id } of cases.slice(0, 1)) this.#tell(id, `${message} ${hint}`)
    const rows = await this.#engine.rows<{ rule_id: string; summary: string }>(
      `SELECT rule_id, any_value(summary) AS summary FROM ${FOUND} GROUP BY rule_id`,
    )
    for (const { rule_id, summary } of rows) this.#summaries.set(rule_id, summary)
    return report
  }

  async #judge(each: ExampleCase, matches: ReadonlyMap<string, number>): Promise<void> {
    const summary = this.#summaries.get(copyKey(each.rule.key, each.id))
    if ((summary !== undefined) === (each.expects === 'fires')) return
    if (summary !== undefined) {
      this.#tell(each.id, `It fired: ${summary}`)
      return
    }
    for (const sentence of await this.#whySilent(each, matches)) this.#tell(each.id, sentence)
  }

  /** Which of the rules it is made of matched nothing, and what was missing from the event that came nearest. */
  async #whySilent(each: ExampleCase, matches: ReadonlyMap<string, number>): Promise<string[]> {
    const sentences = ['It did not fire.']
    for (const { key, rule } of isolated(each, this.#byName)) {
      if (rule.kind === 'correlation') continue
      const count = matches.get(key) ?? 0
      const what = rule.kind === 'baseline' ? 'The selection of the baseline' : rule.meta.title
      if (count > 0) {
        if (key !== copyKey(each.rule.key, each.id) || rule.kind === 'baseline')
          sentences.push(`${what} matches ${count} of its events.`)
        continue
      }
      sentences.push(
        `${what} matches none of its events.`,
        ...(await this.#nearest(rule.kind === 'baseline' ? rule.select : rule, each.id)),
      )
    }
    return sentences
  }

  async #nearest({ tree }: { readonly tree: Parameters<typeof traceEvent>[1] }, id: string): Promise<string[]> {
    const events = await this.#engine.rows<{ event_id: string }>(
      `SELECT event_id FROM ${EXAMPLE_EVENTS} WHERE source_object = ${lit(id)} ORDER BY event_time LIMIT 20`,
    )
    const traces: TracedPart[][] = []
    for (const { event_id } of events) {
      const row = `(SELECT * FROM ${EXAMPLE_EVENTS} WHERE source_object = ${lit(id)} AND event_id = ${lit(event_id)})`
      traces.push((await traceEvent(this.#engine, tree, row)).filter(({ isLine }) => isLine))
    }
    const held = (parts: readonly TracedPart[]): number => parts.filter(({ holds }) => holds).length
    const best = traces.sort((a, b) => held(b) - held(a))[0] ?? []
    return best
      .filter(({ holds }) => !holds)
      .slice(0, 4)
      .map(({ text, observed }) => `Nearest event: ${text}${hasInstead(observed)}.`)
  }
}

const hasInstead = (observed: string | null | undefined): string => {
  if (observed === undefined) return ', which is nowhere in it'
  return `; it has ${observed === null ? 'nothing there' : JSON.stringify(observed)}`
}
