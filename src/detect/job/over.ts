/** Rules over a closed set of events: nothing is remembered before or after. */
import type { Engine } from '../../engine/duckdb.ts'
import type { RulePack } from '../pack/pack.ts'
import type { Problem } from '../sigma/place.ts'
import { duckdb } from '../sql/duckdb.ts'
import { eventShape } from '../sql/event-fields.ts'
import type { RecordShape } from '../sql/fields.ts'
import { attachState, STATE } from '../state.ts'
import { Detector, type PassReport } from './pass.ts'
import { programmeOf } from './programme.ts'

/** The entity of rules on events that name none. */
export const USUAL_ENTITY = 'actor.email'

/** How {@link detectOver} is run. */
export interface OverOptions {
  /** What counts as now, for rules about silence and for `detected_time`; the clock where absent. */
  readonly now?: Date
  /** What the records are; events of the lake where absent. */
  readonly shape?: RecordShape
  /** Seconds after which a rule is left out. */
  readonly timeoutSecs?: number
}

/** What came of a closed set; its findings are rows of {@link FOUND}. */
export interface OverReport extends PassReport {
  /** Rules that could not be run at all. */
  readonly problems: readonly Problem[]
}

export { FOUND } from './tell.ts'

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
  const sets = await ClosedSets.open(engine, pack, options)
  return sets.detect(relation, options.now)
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
    const { shape, timeoutSecs } = options
    const programme = programmeOf(pack, shape === undefined ? { entity: USUAL_ENTITY } : {})
    const limits = timeoutSecs === undefined ? {} : { timeoutSecs }
    return new ClosedSets(engine, await Detector.open(engine, programme, shape ?? eventShape(duckdb), limits))
  }

  /** As {@link detectOver}. */
  async detect(relation: string, now = new Date()): Promise<OverReport> {
    await attachState(this.#engine)
    try {
      const report = await this.#detector.pass(relation, { now, pass: 0, remembers: false })
      return { ...report, problems: this.#detector.problems }
    } finally {
      await this.#engine.run(`DETACH ${STATE}`)
    }
  }
}
