/** Work ahead of its turn: several items at once, results in order. */

/** How far ahead. */
export interface Distance<T> {
  /** Items being worked on at once. */
  readonly atOnce: number
  /** Items begun and not yet given. */
  readonly items: number
  /** What those weigh together, unless one alone weighs more. */
  readonly weight: number
  weigh(item: T): number
}

/**
 * Gives `work` of each item, in order, and goes on working while the taker is busy. An error comes in its item's turn; those
 * behind it are then waited for and forgotten.
 */
export async function* ahead<T, R>(
  items: Iterable<T>,
  distance: Distance<T>,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, void> {
  const left = items[Symbol.iterator]()
  const begun: { readonly result: Promise<R>; readonly weight: number }[] = []
  let [active, weight] = [0, 0]
  let next = left.next()
  const begin = () => {
    while (!next.done && active < distance.atOnce && begun.length < distance.items) {
      const heavy = distance.weigh(next.value)
      if (begun.length > 0 && weight + heavy > distance.weight) return
      active++
      weight += heavy
      const result = work(next.value).finally(() => {
        active--
        begin()
      })
      // Seen when its turn comes; until then it is nobody's.
      result.catch(() => undefined)
      begun.push({ result, weight: heavy })
      next = left.next()
    }
  }
  try {
    begin()
    for (let first = begun.shift(); first !== undefined; first = begun.shift()) {
      yield await first.result
      weight -= first.weight
      begin()
    }
  } finally {
    next = { done: true, value: undefined }
    await Promise.allSettled(begun.map(({ result }) => result))
  }
}
