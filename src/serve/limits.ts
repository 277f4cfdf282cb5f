/** How often somebody may ask: a bucket that fills evenly and lets short bursts through. */

interface Bucket {
  left: number
  atMs: number
}

/** What becomes of a request. */
export interface Allowance {
  readonly allowed: boolean
  /** Seconds until the next is allowed. */
  readonly retrySeconds: number
}

/** Buckets of those who asked lately; a full one says nothing and is forgotten. */
const MOST_BUCKETS = 10_000
const MINUTE_MS = 60_000

/** A limit of requests a minute, by whoever asks. */
export class RateLimit {
  readonly #perMinute: number
  readonly #now: () => number
  readonly #buckets = new Map<string, Bucket>()

  constructor(perMinute: number, now: () => number) {
    this.#perMinute = perMinute
    this.#now = now
  }

  /** Takes one from the bucket of `key`. */
  take(key: string): Allowance {
    const bucket = this.#bucket(key)
    if (bucket.left >= 1) {
      bucket.left -= 1
      return { allowed: true, retrySeconds: 0 }
    }
    const retrySeconds = ((1 - bucket.left) * MINUTE_MS) / this.#perMinute / 1000
    return { allowed: false, retrySeconds }
  }

  #bucket(key: string): Bucket {
    const nowMs = this.#now()
    const known = this.#buckets.get(key)
    const bucket = known ?? { left: this.#perMinute, atMs: nowMs }
    bucket.left = Math.min(this.#perMinute, bucket.left + ((nowMs - bucket.atMs) * this.#perMinute) / MINUTE_MS)
    bucket.atMs = nowMs
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > MOST_BUCKETS) this.#buckets.delete(this.#buckets.keys().next().value ?? '')
    return bucket
  }
}
