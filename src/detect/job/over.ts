/** Rules over a closed set of events: nothing is remembered before or after. */

import type { Problem } from '../../core/yaml/place.ts'
import type { Engine } from '../../engine/duckdb.ts'
import type { RulePack } from '../pack/pack.ts'
import type { Environment } from '../segment/environments.ts'
import { duckdb } from '../sql/duckdb.ts'
import { eventShape } from '../sql/event-fields.ts'
import type { RecordShape } from '../sql/fields.ts'
import { stoppedBy } from '../sql/stopping.ts'
import { attachState, STATE } from '../state.ts'
import { Detector, type PassReport } from './pass.ts'

export { FOUND } from './tell.ts'

/** The entity of rules on events that name none. */
export const USUAL_ENTITY = 'actor.email'

/** How {@link detectOver} is run. */
export interface OverOptions {
  /** What counts as now for rules about silence; the time of the last event where absent. */
  readonly now?: Date
  /** What the records are; events of the lake where absent. Its ids have to be `event_id` and `event_time`. */
  readonly shape?: RecordShape
  readonly environments?: readonly Environment[]
  /** Seconds after which a rule is left out. */
  readonly timeoutSecs?: number
  /** Stops it; what is thrown then is the signal's reason. */
  readonly signal?: AbortSignal
}

/** What came of a closed set; its findings are rows of {@link FOUND}. */
export interface OverReport extends PassReport {
  /** Rules that could not be run at all. */
  readonly problems: readonly Problem[]
}

/**
 * Runs the rules of a pack over all events of a relation, and leaves their findings in the temporary table {@link FOUND}.
 * For many sets with the same rules use {@link ClosedSets}.
 */
export async function detectOver(
  engine: Engine,
  pack: Pick<RulePack, 'rules'>,
  relation: string,
  options: OverOptions = {},
): Promise<OverReport> {
  return stoppedBy(engine, options.signal, async () => {
    const sets = await ClosedSets.open(engine, pack, options)
    return sets.detect(relation, options.now)
  })
}

/** A pack on an engine, for closed sets one after the other. Not for concurrent use. */
export class ClosedSets {
  readonly #engine: Engine
  readonly #detector: Detector

  private constructor(engine: Engine, detector: Detector) {
    this.#engine = engine
    this.#detector = detector
  }

  /** Makes a pack ready on an engine. */
  static async open(engine: Engine, pack: Pick<RulePack, 'rules'>, options: OverOptions = {}): Promise<ClosedSets> {
    const { shape, timeoutSecs, environments } = options
    const detector = await Detector.open(engine, {
      pack,
      shape: shape ?? eventShape(duckdb),
      ...(shape === undefined ? { entity: USUAL_ENTITY } : {}),
      ...(timeoutSecs === undefined ? {} : { timeoutSecs }),
      ...(environments === undefined ? {} : { environments }),
    })
    return new ClosedSets(engine, detector)
  }

  /** As {@link detectOver}. */
  async detect(relation: string, now?: Date): Promise<OverReport> {
    await attachState(this.#engine)
    try {
      const asOf = now ?? (await this.#lastTime(relation))
      const report = await this.#detector.pass(relation, { now: new Date(), asOf, pass: 0 })
      return { ...report, problems: this.#detector.problems }
    } finally {
      await this.#engine.run(`DETACH ${STATE}`)
    }
  }

  async #lastTime(relation: string): Promise<Date> {
    const { ms } = await this.#engine.row<{ ms: string | null }>(
      `SELECT epoch_ms(max(event_time)) AS ms FROM ${relation}`,
    )
    return new Date(Number(ms ?? 0))
  }
}
