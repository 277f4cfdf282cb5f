/** Texts of alerts as somebody may see them, masked by the same SQL as events: a pseudonym is the same in both. */
import { lit } from '../../engine/sql.ts'
import type { LakeQuestions, Mask, Relations } from '../contract.ts'
import type { Viewer } from './visible-findings.ts'

/** How texts are shown to somebody. */
export interface TextMask {
  /** Any text that may hold what is hidden. */
  readonly text: (value: string) => string
  /** Who somebody is. */
  readonly who: (value: string) => string
  /** The value of a field. */
  readonly value: (field: string, value: string) => string
  /** A reason of a finding, `selection: field = value`. */
  readonly reason: (line: string) => string
}

const PLAIN: TextMask = {
  text: (value) => value,
  who: (value) => value,
  value: (_, value) => value,
  reason: (line) => line,
}

/** Fields that hold the text of a query, as rules write them. */
const QUERY_FIELD = /query\.?text|query_?text|command_?text|\bstatement\b|\bsql(_?text)?$/i

/** Ids of service principals and accounts; they name no person. */
const ID = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d+)$/i

/** Texts masked in one statement. */
const AT_ONCE = 2000

type Asked = 'text' | 'name'

/**
 * What `build` makes with the texts that `viewer` may see. It is run twice, first to learn which texts there are, so it must do nothing else.
 */
export async function masked<T>(
  lake: LakeQuestions,
  viewer: Viewer,
  signal: AbortSignal,
  build: (mask: TextMask) => T,
): Promise<T> {
  if (viewer.masks.length === 0) return build(PLAIN)
  const wanted = { text: new Set<string>(), name: new Set<string>() }
  build(
    maskWith(viewer.masks, (text, what) => {
      wanted[what].add(text)
      return ''
    }),
  )
  const known = {
    text: await maskedTexts(lake, viewer, signal, [...wanted.text], 'text'),
    name: await maskedTexts(lake, viewer, signal, [...wanted.name], 'name'),
  }
  return build(maskWith(viewer.masks, (text, what) => known[what].get(text) ?? ''))
}

function maskWith(masks: readonly Mask[], shown: (text: string, what: Asked) => string): TextMask {
  const text = (value: string) => (value === '' ? '' : shown(value, 'text'))
  const who = (value: string) => (value.includes('@') || ID.test(value) ? text(value) : value && shown(value, 'name'))
  return {
    text,
    who,
    value: (field, value) => (isPerson(field) ? who(value) : text(value)),
    reason: (line) => {
      const [field, value] = line.split(/ = ([\s\S]*)/)
      const hides = masks.includes('query') && value !== undefined && QUERY_FIELD.test(field ?? '')
      return hides ? `${text(field ?? '')} = [${value.length} characters]` : text(line)
    },
  }
}

const isPerson = (field: string): boolean => /^actor(\.|$)|^userIdentity\.|user_?name$/i.test(field)

async function maskedTexts(
  lake: LakeQuestions,
  viewer: Viewer,
  signal: AbortSignal,
  texts: readonly string[],
  what: Asked,
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (let at = 0; at < texts.length; at += AT_ONCE) {
    const some = texts.slice(at, at + AT_ONCE)
    const list = some.map((text, nth) => `(${nth}, ${lit(text)})`).join(', ')
    const sql = (relations: Relations) =>
      `SELECT nth::INTEGER AS nth, ${relations.masked('t', what)} AS shown FROM (VALUES ${list}) texts(nth, t)`
    const { rows } = await lake.rows<{ nth: number; shown: string | null }>(viewer, sql, { signal, lane: 'quick' })
    for (const { nth, shown } of rows) found.set(some[nth] ?? '', shown ?? '')
  }
  return found
}
