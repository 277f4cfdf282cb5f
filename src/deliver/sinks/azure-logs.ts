/**
 * Azure Monitor, by the Logs Ingestion API: into a table of Log Analytics, so of Sentinel too.
 * https://learn.microsoft.com/azure/azure-monitor/logs/logs-ingestion-api-overview
 * The REST interface with tokens of the official client: that client's own upload retries and splits by itself, which would hide from the
 * dispatcher what was accepted.
 */
import type { Batch, Item, Outcome, Sink, SinkContext, SinkKind } from '../contract.ts'
import { type HttpAnswer, HttpClient, outcomeOf, outcomeOfSending, said } from '../http.ts'
import { azureTokens, type TokenSource } from '../tokens.ts'

/** Its section of the settings. */
export interface AzureLogsSettings {
  /** Of the data collection endpoint or rule. */
  readonly endpoint: string
  /** Immutable id of the data collection rule. */
  readonly rule: string
  readonly stream: string
  /** Column that the event goes to, beside `TimeGenerated` and `EventId`; absent: its members are columns. */
  readonly column?: string
  /** Where tokens are for; that of the public cloud where absent. */
  readonly scope?: string
  /** Reference to a token that is used as it is, for gateways that want another. */
  readonly token?: string
}

/** One request takes 1 MB, compressed or not. */
const MOST_BYTES = 1_000_000
const SCOPE = 'https://monitor.azure.com/.default'

class LogsIngestion implements Sink {
  readonly limits = { items: 10_000, bytes: MOST_BYTES - 2, itemBytes: MOST_BYTES - 1000, itemOverhead: 150 }
  readonly #settings: AzureLogsSettings
  readonly #url: string
  readonly #token: TokenSource
  readonly #client: HttpClient

  constructor(settings: AzureLogsSettings, token: TokenSource, { timeoutMs }: SinkContext) {
    const { endpoint, rule, stream } = settings
    this.#settings = settings
    this.#token = token
    this.#url = `${endpoint.replace(/\/+$/, '')}/dataCollectionRules/${encodeURIComponent(rule)}/streams/${encodeURIComponent(stream)}?api-version=2023-01-01`
    this.#client = new HttpClient({ timeoutMs, allowPrivate: true })
  }

  send({ id, items }: Batch, signal: AbortSignal): Promise<Outcome> {
    const body = `[${items.map((item) => this.#row(item)).join(',')}]`
    return outcomeOfSending(async () => {
      const headers = {
        authorization: `Bearer ${await this.#token()}`,
        'content-type': 'application/json',
        'x-ms-client-request-id': id,
      }
      return outcomeOfAnswer(await this.#client.send({ url: this.#url, headers, body, gzip: true, signal }))
    })
  }

  async close(): Promise<void> {
    this.#client.close()
  }

  #row({ id, timeMs, text }: Item): string {
    const head = `{"TimeGenerated":"${new Date(timeMs).toISOString()}","EventId":${JSON.stringify(id)}`
    const { column } = this.#settings
    const isJson = text.startsWith('{')
    if (column !== undefined || !isJson)
      return `${head},${JSON.stringify(column ?? 'RawData')}:${isJson ? text : JSON.stringify(text)}}`
    return text === '{}' ? `${head}}` : `${head},${text.slice(1)}`
  }
}

/** A wrong rule or stream is answered like a wrong body, with 400; the code in the answer tells them apart. */
const outcomeOfAnswer = (answer: HttpAnswer): Outcome =>
  answer.status === 400 && /"Invalid(Stream|Dcr|ApiVersion|Endpoint)/i.test(answer.body)
    ? { kind: 'misconfigured', reason: said(answer) }
    : outcomeOf(answer)

/** Azure Monitor Logs. */
export const azureLogs: SinkKind<AzureLogsSettings> = {
  kind: 'azure-logs',
  takes: 'events',
  doc: 'Azure Monitor Logs and Microsoft Sentinel, by a data collection rule. It has no keys: what is sent twice has the same `EventId`.',
  formats: ['system-table', 'raw', 'ocsf', 'uam', 'cef'],
  schema: {
    type: 'object',
    required: ['endpoint', 'rule', 'stream'],
    additionalProperties: false,
    properties: {
      endpoint: {
        type: 'string',
        format: 'web-address',
        description: 'Logs ingestion address of the data collection endpoint or rule.',
      },
      rule: { type: 'string', minLength: 1, description: 'Immutable id of the data collection rule, `dcr-…`.' },
      stream: { type: 'string', minLength: 1, description: 'Stream, such as `Custom-Databricks_CL`.' },
      column: {
        type: 'string',
        minLength: 1,
        description: 'Column for the whole event; without it the members of the event are columns.',
      },
      scope: { type: 'string', description: 'Scope of tokens, for other clouds.' },
      token: { type: 'string', format: 'reference', description: 'Reference to a token that is used as it is.' },
    },
  },
  open: async (settings, context) => {
    const { token, scope = SCOPE } = settings
    const tokens = await azureTokens({ token, scopes: [scope], kind: 'azure-logs' }, context)
    return new LogsIngestion(settings, tokens, context)
  },
}
