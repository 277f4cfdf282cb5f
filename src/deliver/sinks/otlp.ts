/**
 * OpenTelemetry logs over HTTP, as JSON. https://opentelemetry.io/docs/specs/otlp/#otlphttp
 * The JSON form: lower camel case, enumerations as numbers, 64-bit numbers as text.
 */
import {
  type Batch,
  DELIVERED,
  type Item,
  type Outcome,
  type Sink,
  type SinkContext,
  type SinkKind,
} from '../contract.ts'
import { type HttpAnswer, HttpClient, outcomeOf, outcomeOfSending, said } from '../http.ts'
import { trustedBy } from '../tls.ts'

/** Its section of the settings. */
export interface OtlpSettings {
  /** Address of the collector, with or without `/v1/logs`. */
  readonly url: string
  /** Further headers by name; values are references. */
  readonly headers?: Readonly<Record<string, string>>
  /** Attributes of the resource. */
  readonly resource?: Readonly<Record<string, string>>
  readonly ca?: string
  readonly allow_private?: boolean
}

const INFO = 9

class OtlpCollector implements Sink {
  readonly limits = { items: 5000, bytes: 4 * 1024 * 1024, itemBytes: 1024 * 1024, itemOverhead: 400 }
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #before: string
  readonly #client: HttpClient

  constructor(settings: OtlpSettings, { secret, timeoutMs }: SinkContext, ca?: readonly string[]) {
    const base = settings.url.replace(/\/+$/, '')
    this.#url = base.endsWith('/v1/logs') ? base : `${base}/v1/logs`
    const given = Object.entries(settings.headers ?? {}).map(([name, reference]) => [name, secret(reference)])
    this.#headers = { ...Object.fromEntries(given), 'content-type': 'application/json' }
    const resource = { 'service.name': 'databricks', ...settings.resource }
    const attributes = Object.entries(resource).map(([key, value]) => ({ key, value: { stringValue: value } }))
    this.#before = `{"resourceLogs":[{"resource":${JSON.stringify({ attributes })},"scopeLogs":[{"scope":{"name":"bricktrail"},"logRecords":[`
    this.#client = new HttpClient({
      timeoutMs,
      allowPrivate: settings.allow_private !== false,
      ...(ca === undefined ? {} : { ca }),
    })
  }

  send(batch: Batch, signal: AbortSignal): Promise<Outcome> {
    const body = `${this.#before}${batch.items.map(recordOf).join(',')}]}]}]}`
    return outcomeOfSending(async () =>
      outcomeOfLogs(
        await this.#client.send({ url: this.#url, headers: this.#headers, body, gzip: true, signal }),
        batch,
      ),
    )
  }

  async close(): Promise<void> {
    this.#client.close()
  }
}

/** The event is the body, as text: collectors and their parsers know what to do with JSON there. */
const recordOf = ({ id, timeMs, text }: Item): string =>
  `{"timeUnixNano":"${timeMs}000000","observedTimeUnixNano":"${Date.now()}000000","severityNumber":${INFO},"severityText":"INFO","eventName":"databricks.audit","body":{"stringValue":${JSON.stringify(text)}},"attributes":[{"key":"event.id","value":{"stringValue":${JSON.stringify(id)}}}]}`

/** A fault inside of a collector may pass, or come back for ever with the same records: after so many attempts they are halved. */
const ATTEMPTS_AT_FAULTS = 5

/**
 * What became of a request. Where a collector takes it in part, it tells how many records it will not have and not which; the batch is
 * halved until they show, which sends their neighbours once more: twice is better than lost without a word.
 */
function outcomeOfLogs(answer: HttpAnswer, { items, attempt }: Batch): Outcome {
  if (answer.status >= 200 && answer.status < 300) {
    const { rejected, message } = partialSuccess(answer)
    if (rejected === 0) return DELIVERED
    const reason = `${rejected} records rejected: ${message}`
    if (rejected < items.length) return { kind: 'dead', reason }
    return { kind: 'partly', refused: items.map((_, at) => ({ at, verdict: 'dead', reason })) }
  }
  // Of all server errors, 502, 503 and 504 only are to be sent again (OTLP 1.9, retryable response codes).
  if (answer.status === 500 && attempt > ATTEMPTS_AT_FAULTS) return { kind: 'dead', reason: said(answer) }
  return outcomeOf(answer)
}

function partialSuccess({ body }: HttpAnswer): { rejected: number; message: string } {
  try {
    const { partialSuccess: told } = JSON.parse(body) as {
      partialSuccess?: { rejectedLogRecords?: string | number; errorMessage?: string }
    }
    return {
      rejected: Number(told?.rejectedLogRecords ?? 0),
      message: (told?.errorMessage ?? 'no reason given').slice(0, 200),
    }
  } catch {
    return { rejected: 0, message: '' }
  }
}

/** An OpenTelemetry collector. */
export const otlp: SinkKind<OtlpSettings> = {
  kind: 'otlp',
  takes: 'events',
  doc: 'OpenTelemetry logs over HTTP: a collector, or a service that speaks OTLP.',
  formats: ['ocsf', 'system-table', 'raw', 'uam', 'cef'],
  schema: {
    type: 'object',
    required: ['url'],
    additionalProperties: false,
    properties: {
      url: {
        type: 'string',
        format: 'web-address',
        description: 'Address of the collector, such as http://collector:4318.',
      },
      headers: {
        type: 'object',
        additionalProperties: { type: 'string', format: 'reference' },
        description: 'Further headers; values are references.',
      },
      resource: {
        type: 'object',
        additionalProperties: { type: 'string' },
        description: 'Attributes of the resource.',
      },
      ca: { type: 'string', format: 'file', description: "Certificates to trust besides the system's, PEM." },
      allow_private: { type: 'boolean', description: 'False keeps it to public addresses.' },
    },
  },
  open: async (settings, context) => new OtlpCollector(settings, context, await trustedBy(settings.ca, context)),
}
