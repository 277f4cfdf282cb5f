/** A pass: a relation of events and a state become findings. Design: docs/design/007-detection.md. */

import type { Problem } from '../../core/yaml/place.ts'
import type { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { BaselineFailure } from '../baseline/compare.ts'
import { capturedByBaseline, takesSums } from '../baseline/settings.ts'
import type { RulePack } from '../pack/pack.ts'
import type { Environment } from '../segment/environments.ts'
import { duckdb } from '../sql/duckdb.ts'
import type { RecordShape } from '../sql/fields.ts'
import { DEFAULT_TIMEOUT_SECS, RuleRunner } from '../sql/runner.ts'
import { STATE_MATCHES } from '../state.ts'
import { makeBursts } from './bursts.ts'
import { emptyCandidates } from './candidates.ts'
import { CorrelationFailure, correlateBatch } from './correlate.ts'
import { RULES, writeFacts } from './facts.ts'
import { gather } from './gather.ts'
import { BATCH_MATCHES, compareBatch, matchSegments, TIMED_MATCHES, usableBaselines } from './matches.ts'
import { belowMissed, takeAgain } from './missed-matches.ts'
import { type NumberedRule, type Programme, programmeOf } from './programme.ts'
import { tell } from './tell.ts'

/** A rule that was left out of a pass, and why. */
export interface LeftOut {
  readonly key: string
  readonly title: string
  /** Fingerprint of its text. */
  readonly version: string
  readonly reason: 'too slow' | 'failed'
  readonly message: string
}

/** What a pass came to; its findings are rows of `FOUND` (tell.ts). */
export interface PassReport {
  /** Matches by the key of their rule; those of baselines are the events they are about. */
  readonly matches: ReadonlyMap<string, number>
  /** New and grown findings. */
  readonly findings: number
  readonly leftOut: readonly LeftOut[]
}

/** How a pass is run. */
export interface PassOptions {
  /** When what is found is told. */
  readonly now: Date
  /** What counts as now for rules about silence: the clock, or the end of what is replayed. */
  readonly asOf: Date
  /** Numbers passes, so that of two findings that turn out to be one the earlier keeps its id. */
  readonly pass: number
  /**
   * Present: the state remembers the batch for later ones, all of it or nothing. Called before that is final, to keep the findings;
   * if it throws, nothing was remembered. Absent: the batch is all there is.
   */
  readonly settle?: (found: number, leftOut: readonly LeftOut[]) => Promise<void>
  /** Keys of rules that missed these events; all others have seen them, and are let be. */
  readonly only?: ReadonlySet<string>
}

/** What a {@link Detector} is made of. */
export interface DetectorOptions {
  readonly pack: Pick<RulePack, 'rules'>
  /** What the records are. */
  readonly shape: RecordShape
  /** The entity of rules that name none. */
  readonly entity?: string
  readonly environments?: readonly Environment[]
  /** Fields that every match brings along. */
  readonly always?: readonly string[]
  /** Seconds after which a rule is left out. */
  readonly timeoutSecs?: number
}

/** A pass as it is settled: with the numbers of the rules that missed the events of a relation, if it is theirs. */
interface SettledOptions extends PassOptions {
  readonly missed: { readonly only: ReadonlySet<number>; readonly relation: string } | undefined
}

/** A pack on an engine, for one batch after the other. Not for concurrent use. */
export class Detector {
  readonly programme: Programme
  /** Baselines that can be compared. */
  readonly baselines: Programme['baselines']
  /** Rules that cannot be run at all. */
  readonly problems: readonly Problem[]
  readonly #engine: Engine
  readonly #runner: RuleRunner
  readonly #environments: readonly Environment[]
  readonly #timeoutSecs: number

  private constructor(
    engine: Engine,
    programme: Programme,
    options: DetectorOptions,
    baselines: Awaited<ReturnType<typeof usableBaselines>>,
  ) {
    this.programme = programme
    this.baselines = baselines.usable
    this.problems = [
      ...programme.problems,
      ...baselines.unusable.map(([{ of }, message]) => ({
        severity: 'error' as const,
        message,
        hint: 'Mend the rule; the others run without it.',
        place: of.rule.meta.place,
      })),
    ]
    this.#engine = engine
    this.#environments = options.environments ?? []
    this.#timeoutSecs = options.timeoutSecs ?? DEFAULT_TIMEOUT_SECS
    this.#runner = new RuleRunner(engine, programme.matched, options.shape, duckdb, {
      captured: programme.captured,
      unexplained: programme.unexplained,
      summed: programme.summed,
      timeoutSecs: this.#timeoutSecs,
    })
  }

  /** Makes a pack ready on an engine. */
  static async open(engine: Engine, options: DetectorOptions): Promise<Detector> {
    const { pack, entity, always } = options
    const programme = programmeOf(pack, {
      capturedByBaseline,
      takesSums,
      ...(entity === undefined ? {} : { entity }),
      ...(always === undefined ? {} : { always }),
    })
    await writeFacts(engine, programme)
    return new Detector(engine, programme, options, await usableBaselines(engine, programme))
  }

  /** Runs a pass over a relation, against the state that is attached (`attachState`). */
  async pass(relation: string, options: PassOptions): Promise<PassReport> {
    const engine = this.#engine
    await makeBursts(engine)
    const only = options.only === undefined ? undefined : this.#numbersOf(options.only)
    const { matches, unrun } = await this.#runner.run(relation, only)
    if (only === undefined) await matchSegments(engine, this.#environments, relation)
    const leftOut = unrun.map(({ rule, reason, message }) => this.#leftOut(rule.number, reason, message))
    const { findings, failed } = await this.#settled({ ...options, missed: only && { only, relation } }, leftOut)
    return {
      matches: new Map([...matches].map(([number, count]) => [this.#keyOf(number), count])),
      findings,
      leftOut: [...leftOut, ...failed],
    }
  }

  /** Everything that is remembered happens, or nothing: what fails is left out, and the rest done anew. */
  async #settled(
    options: SettledOptions,
    before: readonly LeftOut[],
  ): Promise<{ findings: number; failed: readonly LeftOut[] }> {
    const failed = new Map<number, LeftOut>()
    let isApart = false
    for (;;) {
      await this.#engine.run('BEGIN')
      try {
        const done = await this.#conclude(options, { without: new Set(failed.keys()), isApart })
        const told = [...failed.values(), ...done.failed].filter(({ key }) => !before.some((each) => each.key === key))
        await options.settle?.(done.findings, [...before, ...told])
        await this.#engine.run('COMMIT')
        return { findings: done.findings, failed: told }
      } catch (cause) {
        await this.#engine.rollBack()
        if (cause instanceof CorrelationFailure) {
          const { correlation, reason, message } = cause.failed
          failed.set(correlation.number, this.#leftOut(correlation.number, reason, message))
        } else if (cause instanceof BaselineFailure) {
          // Of several that failed together it shows next time which one it is; if it does not show even then, all are left out.
          const isNamed = isApart || cause.keys.length === 1
          isApart = true
          for (const { number } of isNamed ? this.baselines.filter(({ key }) => cause.keys.includes(key)) : [])
            failed.set(number, this.#leftOut(number, cause.reason, cause.message))
        } else throw cause
      }
    }
  }

  async #conclude(
    { now, asOf, pass, settle, missed }: SettledOptions,
    { without, isApart }: { readonly without: ReadonlySet<number>; readonly isApart: boolean },
  ): Promise<{ findings: number; failed: readonly LeftOut[] }> {
    const engine = this.#engine
    const remembers = settle !== undefined
    const timeoutSecs = this.#timeoutSecs
    const baselines = this.baselines.filter(({ number }) => !without.has(number) && (missed?.only.has(number) ?? true))
    const again = missed === undefined ? [] : belowMissed(this.programme.correlations, missed.only)
    if (missed !== undefined && again.length > 0) await takeAgain(engine, again, missed.relation)
    await compareBatch(engine, baselines, {
      asOf,
      hasSegments: missed === undefined && this.#environments.length > 0,
      again: again.length > 0,
      selecting: this.programme.baselines.map(({ number }) => number),
      timeoutSecs,
      isApart,
    })
    await emptyCandidates(engine)
    const list = [...(missed?.only ?? [])].join(', ')
    await gather(
      engine,
      missed === undefined ? BATCH_MATCHES : `(SELECT * FROM ${BATCH_MATCHES} WHERE rule IN (${list}))`,
    )
    const failed = await correlateBatch(engine, this.programme, TIMED_MATCHES, {
      isRemembered: remembers,
      without,
      timeoutSecs,
    })
    if (remembers) await this.#remember()
    const findings = await tell(engine, { now, pass })
    return {
      findings,
      failed: failed.map(({ correlation, reason, message }) => this.#leftOut(correlation.number, reason, message)),
    }
  }

  /** Keeps what correlations count; of a window that was compared again the latest. */
  async #remember(): Promise<void> {
    const { counted } = this.programme
    if (counted.size === 0) return
    const list = [...counted].join(', ')
    const windows = this.baselines.flatMap(({ number }) => (counted.has(number) ? [number] : []))
    if (windows.length > 0) {
      const keys = windows.map((number) => lit(this.#keyOf(number))).join(', ')
      await this.#engine.run(`DELETE FROM ${STATE_MATCHES} AS s WHERE s.rule IN (${keys}) AND EXISTS (SELECT 1 FROM ${BATCH_MATCHES} m JOIN ${RULES} r ON r.number = m.rule
        WHERE m.rule IN (${windows.join(', ')}) AND r.key = s.rule AND m.event_id = s.event_id)`)
    }
    await this.#engine.run(`INSERT INTO ${STATE_MATCHES} BY NAME SELECT r.key AS rule, m.event_id, m.event_time, m.fields
      FROM ${BATCH_MATCHES} m JOIN ${RULES} r ON r.number = m.rule WHERE m.rule IN (${list})`)
  }

  #rule(number: number): NumberedRule | undefined {
    return this.programme.rules[number]
  }

  #numbersOf(keys: ReadonlySet<string>): ReadonlySet<number> {
    return new Set(this.programme.rules.filter(({ of }) => keys.has(of.key)).map(({ number }) => number))
  }

  #keyOf(number: number): string {
    return this.#rule(number)?.of.key ?? ''
  }

  #leftOut(number: number, reason: LeftOut['reason'], message: string): LeftOut {
    return {
      key: this.#keyOf(number),
      title: this.#rule(number)?.of.rule.meta.title ?? '',
      version: this.#rule(number)?.of.version ?? '',
      reason,
      message,
    }
  }
}
