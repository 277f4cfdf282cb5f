/** Silences: what people asked not to be told of for a while, and why. */
import { AppError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import type { AlertsFile } from './alerts-file.ts'
import { fingerprint } from './identity.ts'
import { type Matcher, matcherText } from './match.ts'

/** A silence. */
export interface Silence {
  readonly id: string
  readonly createdMs: number
  readonly endsMs: number
  readonly who: string
  /** Whose it is, by an id that nobody else can take as they can a name; null where it was made on the home. */
  readonly owner: string | null
  readonly reason: string
  readonly matcher: Matcher
  /** How often it kept something quiet. */
  readonly quieted: number
}

/** Who wants to be told nothing for longer turns the rule off, where others see that it is. */
export const LONGEST_SILENCE_MS = 366 * 86_400_000

interface Row extends Omit<Silence, 'matcher'> {
  readonly matchers: string
}

const silenceOf = ({ matchers, ...rest }: Row): Silence => ({ ...rest, matcher: JSON.parse(matchers) as Matcher })

/** Silences that are long over are forgotten by lists, not by the file. */
const SELECT = `SELECT id, created_ms AS createdMs, ends_ms AS endsMs, who, owner, reason, matchers, quieted FROM silences`

/** The silences in force at a time. */
export const silencesAt = (file: AlertsFile, nowMs: number): Silence[] =>
  file.all<Row>(`${SELECT} WHERE created_ms <= ?1 AND ends_ms > ?1 ORDER BY ends_ms`, nowMs).map(silenceOf)

/** All silences, the newest first. */
export const allSilences = (file: AlertsFile): Silence[] =>
  file.all<Row>(`${SELECT} ORDER BY created_ms DESC, id`).map(silenceOf)

/**
 * Adds a silence.
 * @throws AppError BAD_ARGUMENT where it would silence everything, has no reason, is over, or lasts too long
 */
export function addSilence(
  file: AlertsFile,
  {
    matcher,
    endsMs,
    who,
    owner = null,
    reason,
    nowMs,
  }: Pick<Silence, 'matcher' | 'endsMs' | 'who' | 'reason'> & Partial<Pick<Silence, 'owner'>> & { nowMs: number },
): Silence {
  if (matcherText(matcher) === '')
    throw new AppError('BAD_ARGUMENT', 'This would silence everything.', {
      hint: 'Name an alert, or give --rule, --entity, --level, --threat, --tag or --workspace.',
    })
  if (reason.trim() === '')
    throw new AppError('BAD_ARGUMENT', 'A silence needs a reason.', { hint: 'Add --reason "why".' })
  if (endsMs <= nowMs)
    throw new AppError('BAD_ARGUMENT', 'The silence is over before it begins.', { hint: 'Add --for 2h.' })
  if (endsMs - nowMs > LONGEST_SILENCE_MS)
    throw new AppError('BAD_ARGUMENT', 'A silence lasts a year at most.', { hint: 'Turn the rule off instead.' })
  const text = JSON.stringify(matcher)
  const id = fingerprint(file, ['silence', text, nowMs, who, owner ?? '', reason], 12)
  file.run(
    'INSERT INTO silences (id, created_ms, ends_ms, who, owner, reason, matchers) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    id,
    nowMs,
    endsMs,
    who,
    owner,
    reason,
    text,
  )
  return { id, createdMs: nowMs, endsMs, who, owner, reason, matcher, quieted: 0 }
}

/**
 * Ends a silence now.
 * @throws AppError BAD_ARGUMENT for one that is not in force
 */
export function endSilence(file: AlertsFile, typed: string, nowMs: number): Silence {
  const all = silencesAt(file, nowMs)
  const [found, another] = all.filter(({ id }) => typed.length >= 4 && id.startsWith(typed.toLowerCase()))
  if (found !== undefined && another === undefined) {
    file.run('UPDATE silences SET ends_ms = ? WHERE id = ?', nowMs, found.id)
    return { ...found, endsMs: nowMs }
  }
  const [near] = nearest(
    typed,
    all.map(({ id }) => id),
  )
  throw new AppError('BAD_ARGUMENT', `No silence ${typed} is in force.`, {
    hint: near === undefined ? 'Run `bricktrail alerts silences` to see which are.' : `Did you mean ${near}?`,
  })
}

/** Counts that a silence kept something quiet. */
export const quietedOnce = (file: AlertsFile, id: string): void => {
  file.run('UPDATE silences SET quieted = quieted + 1 WHERE id = ?', id)
}
