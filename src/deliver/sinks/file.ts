/** A file to append to, one line an item: for a collector that tails it, and to look at what would be sent. */
import { mkdir, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { systemError } from '../../core/errors.ts'
import { type Batch, DELIVERED, type Outcome, type Sink, type SinkContext, type SinkKind } from '../contract.ts'

/** Its section of the settings. */
export interface FileSettings {
  readonly path: string
}

/** Appends, durably. What a crash cut off in the middle of a line is ended by a line break before anything else is written. */
class AppendedFile implements Sink {
  readonly limits = { items: 5000, bytes: 8 * 1024 * 1024, itemBytes: 8 * 1024 * 1024, itemOverhead: 1 }
  readonly #path: string
  #turn: Promise<unknown> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
  }

  /** Long texts are written in several goes, so one batch waits for the other. */
  send(batch: Batch): Promise<Outcome> {
    const done = this.#turn.then(() => this.#append(batch))
    this.#turn = done
    return done
  }

  async #append({ items }: Batch): Promise<Outcome> {
    try {
      await mkdir(dirname(this.#path), { recursive: true })
      const file = await open(this.#path, 'a+', 0o600)
      try {
        const { size } = await file.stat()
        const last =
          size === 0
            ? '\n'
            : (await file.read({ position: size - 1, length: 1, buffer: Buffer.alloc(1) })).buffer.toString()
        await file.appendFile(`${last === '\n' ? '' : '\n'}${items.map(({ text }) => `${text}\n`).join('')}`)
        await file.sync()
      } finally {
        await file.close()
      }
      return DELIVERED
    } catch (cause) {
      const { message } = systemError(cause) ?? (cause as Error)
      return { kind: 'again', reason: message }
    }
  }
}

/** A file. */
export const file = (takes: 'messages' | 'events'): SinkKind<FileSettings> => ({
  kind: takes === 'messages' ? 'file' : 'event-file',
  takes,
  doc: `A file to append to, one ${takes === 'messages' ? 'message' : 'event'} a line.`,
  formats: ['uam', 'ocsf', 'system-table', 'raw', 'cef'],
  connections: 1,
  schema: {
    type: 'object',
    required: ['path'],
    additionalProperties: false,
    properties: { path: { type: 'string', minLength: 1, description: 'The file; relative to the settings file.' } },
  },
  open: async ({ path }, { folder }: SinkContext) => new AppendedFile(resolve(folder, path)),
})
