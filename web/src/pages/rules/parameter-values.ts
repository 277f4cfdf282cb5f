/** Values of parameters between a rule and a form: numbers, texts and lists of either. */

/** A value as a form shows it; lists have an entry a line. */
export const textOf = (value: unknown): string =>
  Array.isArray(value) ? value.map(String).join('\n') : value === null || value === undefined ? '' : String(value)

/** What was typed as a value of the same kind as the usual one; null where it is none. */
export function readValue(typed: string, usual: unknown): { readonly value: unknown } | null {
  if (Array.isArray(usual)) {
    const entries = typed
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
    if (usual.length === 0 || usual.some((each) => typeof each !== 'number')) return { value: entries }
    const numbers = entries.map(Number)
    return numbers.every(Number.isFinite) ? { value: numbers } : null
  }
  const text = typed.trim()
  if (text === '') return null
  if (typeof usual === 'number') return Number.isFinite(Number(text)) ? { value: Number(text) } : null
  if (typeof usual === 'boolean') return text === 'true' || text === 'false' ? { value: text === 'true' } : null
  return { value: text }
}

/** True where both mean the same to a rule. */
export const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
