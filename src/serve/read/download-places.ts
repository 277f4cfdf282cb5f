/** How many files are made for people at once: each takes room on the disk and a turn of the long questions. */
import { AppError } from '../../core/errors.ts'
import type { Home } from '../../core/home.ts'
import { diskHold } from '../../service/hold.ts'

/** Of everybody, and of one who asks. */
const MOST = 4
const MOST_OF_ONE = 2

/** A piece of a file is far smaller; what is left is for what comes in. */
const DISK_FLOOR_BYTES = 1024 ** 3

/** See above; one for a server. */
export class DownloadPlaces {
  readonly #taken = new Map<symbol, string>()

  /** Downloads that run. */
  get taken(): number {
    return this.#taken.size
  }

  /**
   * Takes a place for somebody; what is returned gives it back, once or often.
   *
   * @throws AppError BUSY
   */
  take({ id, name }: { readonly id: string; readonly name: string }): () => void {
    const theirs = [...this.#taken.values()].filter((each) => each === id).length
    const [who, most] = theirs >= MOST_OF_ONE ? [`${name} has`, MOST_OF_ONE] : ['The server has', MOST]
    if (theirs >= MOST_OF_ONE || this.#taken.size >= MOST) {
      throw new AppError('BUSY', `${who} ${most} downloads running already.`, {
        hint: 'Ask again when one has ended; `bricktrail export` writes files beside the lake.',
      })
    }
    const place = Symbol(name)
    this.#taken.set(place, id)
    return () => void this.#taken.delete(place)
  }
}

/** @throws AppError DISK_FULL where a piece of a file could take what the service itself needs */
export async function checkDisk(home: Pick<Home, 'root'>, floorBytes = DISK_FLOOR_BYTES): Promise<void> {
  const held = await diskHold(home, floorBytes)
  if (held === undefined) return
  throw new AppError('DISK_FULL', 'The disk of the service has too little room to make a file.')
}
