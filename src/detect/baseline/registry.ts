/** Every kind of baseline. */
import { AppError } from '../../core/errors.ts'
import type { BaselineRule } from '../pack/pack.ts'
import type { HabitType } from './contract.ts'
import { dormant } from './types/dormant.ts'
import { drop } from './types/drop.ts'
import { firstSeen } from './types/first-seen.ts'
import { impossibleTravel } from './types/impossible-travel.ts'
import { offHours } from './types/off-hours.ts'
import { rare } from './types/rare.ts'
import { silentSource } from './types/silent-source.ts'
import { spike } from './types/spike.ts'

/** In the order they are compared. */
export const HABIT_TYPES: readonly HabitType[] = [
  firstSeen,
  rare,
  spike,
  offHours,
  impossibleTravel,
  dormant,
  silentSource,
  drop,
]

/** The kind a rule is of. */
export function habitTypeOf({ type, meta }: BaselineRule): HabitType {
  const found = HABIT_TYPES.find((each) => each.type === type)
  if (found === undefined) throw new AppError('BAD_ARGUMENT', `${meta.title}: there is no baseline of type ${type}.`)
  return found
}
