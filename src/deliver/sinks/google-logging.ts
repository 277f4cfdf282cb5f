/**
 * Google Cloud Logging, by entries.write. `insertId` is the event's id, so what is sent twice is kept once.
 * https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/write
 * The REST interface with tokens of the official client: that client writes by gRPC and hides which entries were refused.
 */
import type { Batch, Item, Outcome, Refusal, Sink, SinkContext, SinkKind } from '../contract.ts'
import { type HttpAnswer, HttpClient, outcomeOf, outcomeOfSending } from '../http.ts'
import { googleTokens, type TokenSource } from '../tokens.ts'

/** Its section of the settings. */
export interface GoogleLoggingSettings {
  /** `projects/ID`, `organizations/ID`, `folders/ID` or `billingAccounts/ID`. */
  readonly parent: string
  readonly log?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly endpoint?: string
  /** Reference to a token that is used as it is. */
  readonly token?: string
}

const SCOPES = ['https://www.googleapis.com/auth/logging.write']

/** gRPC codes of entries that may be accepted later: cancelled, unknown, deadline, exhausted, aborted, internal, unavailable. */
const AGAIN = new Set([1, 2, 4, 8, 10, 13, 14])

class EntriesWrite implements Sink {
  // 10 MB a request and 256 KiB an entry, with what we add.
  readonly limits = { items: 1000, bytes: 9_000_000, itemBytes: 250_000, itemOverhead: 300 }
  readonly #url: string
  readonly #before: string
  readonly #token: TokenSource
  readonly #client: HttpClient

  constructor(
    { parent, log = 'databricks-audit', labels, endpoint }: GoogleLoggingSettings,
    token: TokenSource,
    { timeoutMs }: SinkContext,
  ) {
    this.#url = `${(endpoint ?? 'https://logging.googleapis.com').replace(/\/+$/, '')}/v2/entries:write`
    const about = {
      logName: `${parent}/logs/${encodeURIComponent(log)}`,
      resource: { type: 'global' },
      labels: labels ?? {},
      partialSuccess: true,
    }
    this.#before = JSON.stringify(about).slice(0, -1)
    this.#token = token
    this.#client = new HttpClient({ timeoutMs, allowPrivate: endpoint !== undefined })
  }

  send({ items }: Batch, signal: AbortSignal): Promise<Outcome> {
    const body = `${this.#before},"entries":[${items.map(entryOf).join(',')}]}`
    return outcomeOfSending(async () => {
      const headers = { authorization: `Bearer ${await this.#token()}`, 'content-type': 'application/json' }
      const answer = await this.#client.send({ url: this.#url, headers, body, gzip: true, signal })
      return outcomeOfEntries(answer, items.length)
    })
  }

  async close(): Promise<void> {
    this.#client.close()
  }
}

function entryOf({ id, timeMs, text }: Item): string {
  const payload = text.startsWith('{') ? `"jsonPayload":${text}` : `"textPayload":${JSON.stringify(text)}`
  return `{"insertId":${JSON.stringify(id)},"timestamp":"${new Date(timeMs).toISOString()}","severity":"INFO",${payload}}`
}

interface Detail {
  readonly '@type'?: string
  readonly logEntryErrors?: Readonly<Record<string, { readonly code?: number; readonly message?: string }>>
}

/** A refused request may tell which entries were at fault; the others were written. */
function outcomeOfEntries(answer: HttpAnswer, count: number): Outcome {
  const outcome = outcomeOf(answer)
  if (outcome.kind === 'delivered') return outcome
  const errors = entryErrors(answer)
  const refused = Object.entries(errors).flatMap(([index, { code = 0, message = 'refused' }]): Refusal[] => {
    const at = Number(index)
    return at < count ? [{ at, verdict: AGAIN.has(code) ? 'again' : 'dead', reason: message.slice(0, 200) }] : []
  })
  // Errors of all entries are an error of the request, such as a missing right.
  return refused.length === 0 || (refused.length === count && outcome.kind === 'misconfigured')
    ? outcome
    : { kind: 'partly', refused }
}

function entryErrors({ body }: HttpAnswer): NonNullable<Detail['logEntryErrors']> {
  try {
    const { error } = JSON.parse(body) as { error?: { details?: readonly Detail[] } }
    return (
      error?.details?.find((detail) => detail['@type']?.endsWith('WriteLogEntriesPartialErrors'))?.logEntryErrors ?? {}
    )
  } catch {
    return {}
  }
}

/** Google Cloud Logging. */
export const googleLogging: SinkKind<GoogleLoggingSettings> = {
  kind: 'google-logging',
  takes: 'events',
  doc: 'Google Cloud Logging; the event id makes repeats harmless.',
  formats: ['system-table', 'raw', 'ocsf', 'uam', 'cef'],
  schema: {
    type: 'object',
    required: ['parent'],
    additionalProperties: false,
    properties: {
      parent: {
        type: 'string',
        pattern: '^(projects|organizations|folders|billingAccounts)/[\\w:.-]+$',
        description: 'Where the log is, such as `projects/my-project`.',
      },
      log: { type: 'string', minLength: 1, description: 'Name of the log, `databricks-audit` where absent.' },
      labels: { type: 'object', additionalProperties: { type: 'string' }, description: 'Labels of all entries.' },
      endpoint: {
        type: 'string',
        format: 'web-address',
        description: 'Address of another service that speaks the same.',
      },
      token: { type: 'string', format: 'reference', description: 'Reference to a token that is used as it is.' },
    },
  },
  open: async (settings, context) => {
    const tokens = await googleTokens({ token: settings.token, scopes: SCOPES, kind: 'google-logging' }, context)
    return new EntriesWrite(settings, tokens, context)
  },
}
