/** A pass: a relation of events and a state become findings. Design: docs/design/007-detection.md. */
import type { Engine } from '../../engine/duckdb.ts'
import type { FailedCorrelation } from '../correlate/runner.ts'
import type { Problem } from '../sigma/place.ts'
import { duckdb } from '../sql/duckdb.ts'
import type { RecordShape } from '../sql/fields.ts'
import { MATCHES_TABLE, RuleRunner } from '../sql/runner.ts'
import { STATE_MATCHES } from '../state.ts'
import { makeBursts } from './bursts.ts'
import { emptyCandidates } from './candidates.ts'
import { correlateBatch } from './correlate.ts'
import { RULES, writeFacts } from './facts.ts'
import { gather } from './gather.ts'
import type { Programme } from './programme.ts'
import { type Telling, tell } from './tell.ts'

/** A rule that was left out of a pass, and why. */
export interface LeftOut {
  readonly key: string
  readonly title: string
  readonly reason: 'too slow' | 'failed'
  readonly message: string
}

/** What a pass came to; its findings are rows of `FOUND` (tell.ts). */
export interface PassReport {
  /** Matches by the key of their rule. */
  readonly matches: ReadonlyMap<string, number>
  /** New and grown findings. */
  readonly findings: number
  readonly leftOut: readonly LeftOut[]
}

/** How a pass is run. */
export interface PassOptions extends Telling {
  /** Whether the state remembers this batch for later ones; if not, the batch is all there is. */
  readonly remembers: boolean
}

/** A programme on an engine, for one batch after the other. Not for concurrent use. */
export class Detector {
  readonly programme: Programme
  readonly #engine: Engine
  readonly #runner: RuleRunner

  private constructor(engine: Engine, programme: Programme, shape: RecordShape, timeoutSecs: number | undefined) {
    this.programme = programme
    this.#engine = engine
    this.#runner = new RuleRunner(engine, programme.matched, shape, duckdb, {
      captured: programme.captured,
      ...(timeoutSecs === undefined ? {} : { timeoutSecs }),
    })
  }

  /** Makes a programme ready on an engine. */
  static async open(
    engine: Engine,
    programme: Programme,
    shape: RecordShape,
    { timeoutSecs }: { readonly timeoutSecs?: number } = {},
  ): Promise<Detector> {
    await writeFacts(engine, programme)
    return new Detector(engine, programme, shape, timeoutSecs)
  }

  /** Runs a pass over a relation, against the state that is attached (`attachState`). */
  async pass(relation: string, { now, pass, remembers }: PassOptions): Promise<PassReport> {
    const engine = this.#engine
    await makeBursts(engine)
    const { matches, unrun } = await this.#runner.run(relation)
    if (remembers) await this.#remember()
    await emptyCandidates(engine)
    await gather(engine, MATCHES_TABLE)
    const failed = await correlateBatch(engine, this.programme, MATCHES_TABLE, remembers)
    const findings = await tell(engine, { now, pass })
    return {
      matches: new Map([...matches].map(([number, count]) => [this.#keyOf(number), count])),
      findings,
      leftOut: [
        ...unrun.map(({ rule, reason, message }) => this.#leftOut(rule.number, reason, message)),
        ...failed.map(({ correlation, message }: FailedCorrelation) =>
          this.#leftOut(correlation.number, 'failed', message),
        ),
      ],
    }
  }

  /** Rules that cannot be run at all. */
  get problems(): readonly Problem[] {
    return this.programme.problems
  }

  /** Keeps what correlations count: one row for a rule and event, the latest. */
  async #remember(): Promise<void> {
    const { counted } = this.programme
    if (counted.size === 0) return
    await this.#engine.run(`INSERT OR REPLACE INTO ${STATE_MATCHES} BY NAME SELECT r.key AS rule, m.event_id, m.event_time, m.fields
      FROM ${MATCHES_TABLE} m JOIN ${RULES} r ON r.number = m.rule WHERE m.rule IN (${[...counted].join(', ')})`)
  }

  #keyOf(number: number): string {
    return this.programme.rules[number]?.of.key ?? ''
  }

  #leftOut(number: number, reason: LeftOut['reason'], message: string): LeftOut {
    const title = this.programme.rules[number]?.of.rule.meta.title ?? ''
    return { key: this.#keyOf(number), title, reason, message }
  }
}
