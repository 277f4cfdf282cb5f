/** Items that are longer than a destination takes: shortened, with a mark, so that they arrive at all. */
import type { Item, Limits } from './contract.ts'

/** Member that says how long an item was before it was shortened, in bytes. */
export const MARK = 'bricktrail_truncated'

/** Texts shorter than this stay: they are names and ids. */
const SHORT = 256

const DAY_MS = 86_400_000

/** An item within the limit; the same where it fits. JSON stays JSON: its longest texts are cut first. Other lines are cut at the end, and get the mark there. */
export function fitted(item: Item, { itemBytes }: Pick<Limits, 'itemBytes'>): Item {
  const bytes = Buffer.byteLength(item.text)
  if (bytes <= itemBytes) return item
  const value = parsed(item.text)
  if (value === undefined) return { ...item, text: cutLine(item.text, bytes, itemBytes) }
  for (let longest = Math.floor(itemBytes / 2); longest >= SHORT; longest = Math.floor(longest / 2)) {
    const text = JSON.stringify({ ...(shortened(value, longest) as object), [MARK]: bytes })
    if (Buffer.byteLength(text) <= itemBytes) return { ...item, text }
  }
  // Many short texts: what stands first says who, what and when.
  return { ...item, text: withFirst(value as Readonly<Record<string, unknown>>, bytes, itemBytes) }
}

/** As an extension of CEF writes it. What is cut must not end in half an escape. */
function cutLine(text: string, bytes: number, itemBytes: number): string {
  const mark = ` ${MARK}=${bytes}`
  const kept = cut(text, Math.max(0, itemBytes - mark.length))
  const backslashes = /\\*$/.exec(kept)?.[0].length ?? 0
  return `${backslashes % 2 === 1 ? kept.slice(0, -1) : kept}${mark}`
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

function shortened(value: unknown, longest: number): unknown {
  if (typeof value === 'string') return Buffer.byteLength(value) <= longest ? value : `${cut(value, longest - 3)}…`
  if (Array.isArray(value)) return value.map((each) => shortened(each, longest))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shortened(each, longest)]))
}

function withFirst(value: Readonly<Record<string, unknown>>, bytes: number, itemBytes: number): string {
  let kept: Record<string, unknown> = { [MARK]: bytes }
  for (const [key, each] of Object.entries(value)) {
    const next = { ...kept, [key]: shortened(each, SHORT) }
    if (Buffer.byteLength(JSON.stringify(next)) <= itemBytes) kept = next
  }
  return JSON.stringify(kept)
}

/** The beginning of a text, so many bytes of UTF-8 at most, and no half character at its end. */
export function cut(text: string, bytes: number): string {
  const encoded = Buffer.from(text)
  if (encoded.length <= bytes) return text
  let end = Math.max(0, bytes)
  // Bytes 10xxxxxx continue a character.
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end--
  return encoded.subarray(0, end).toString('utf8')
}

/** Cuts items, in their order, into groups that a request can hold. Items must be {@link fitted}. */
export function grouped<T extends { readonly item: Item }>(
  entries: readonly T[],
  { items, bytes, itemOverhead, sameDay = false }: Limits,
): T[][] {
  const groups: T[][] = []
  let [group, size, day]: [T[], number, number] = [[], 0, 0]
  for (const entry of entries) {
    const length = Buffer.byteLength(entry.item.text) + itemOverhead
    const itsDay = sameDay ? Math.floor(entry.item.timeMs / DAY_MS) : 0
    if (group.length > 0 && (group.length >= items || size + length > bytes || itsDay !== day)) {
      groups.push(group)
      group = []
      size = 0
    }
    group.push(entry)
    size += length
    day = itsDay
  }
  if (group.length > 0) groups.push(group)
  return groups
}
