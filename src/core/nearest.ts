/** Which known words somebody may have meant. */

/** More than this are no help. */
const MOST = 3

/**
 * The known words nearest to a typed one, nearest first, at most three, each in the first of its spellings by case. Near is
 * what differs by a third of its letters at most (two neighbours that changed places count as one), begins so, or holds the
 * typed word.
 */
export function nearest(typed: string, known: Iterable<string>): string[] {
  const word = typed.toLowerCase()
  const spelled = new Map([...known].reverse().map((each) => [each.toLowerCase(), each]))
  const found = [...spelled].flatMap(([lower, candidate]) => {
    const distance = distanceOf(word, lower)
    return distance === undefined ? [] : [{ candidate, distance }]
  })
  found.sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
  return found.slice(0, MOST).map(({ candidate }) => candidate)
}

/** How far apart two words are, or undefined where one cannot be meant by the other. */
function distanceOf(typed: string, candidate: string): number | undefined {
  const edits = editDistance(typed, candidate)
  if (edits <= slips(Math.max(typed.length, candidate.length))) return edits
  if (typed.length < 3) return undefined
  // A beginning or part of a word, or a word too many, is worse than a slip of the finger.
  const begun = Math.min(...[-1, 0, 1].map((more) => editDistance(typed, candidate.slice(0, typed.length + more))))
  const held = candidate.includes(typed) || (candidate.length * 2 >= typed.length && typed.includes(candidate))
  return held || begun <= Math.floor(typed.length / 4) ? typed.length + edits : undefined
}

/** So many slips still leave a word of this length itself. */
const slips = (length: number): number => Math.max(1, Math.floor(length / 3))

/** Insertions, deletions, replacements and swaps of neighbours between two words. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row[j] = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (beforeLast[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
