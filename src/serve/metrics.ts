/** What Prometheus is told. Names and meanings: docs/reference/metrics.md. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry, type RegistryContentType } from 'prom-client'
import { type SealState, sealState } from '../ask/seal-state.ts'
import type { Home } from '../core/home.ts'
import { DELIVER_FILE } from '../deliver/open.ts'
import { readDeliverSettings } from '../deliver/settings.ts'
import { type DestinationStatus, statusOf } from '../deliver/status.ts'
import type { ServiceFigures, ServiceView, SourceHealth, StageHealth } from '../service/view.ts'

/** What is measured. */
export interface Measured {
  readonly home: Home
  readonly service?: ServiceView
  readonly ownLog: { readonly written: number }
}

type Registries = Registry<RegistryContentType>[]

/** A request that was answered, for metrics. */
export interface AnsweredRequest {
  readonly method: string
  /** The route as it was written, such as `/api/v1/events/:id`; never the path, of which there are endless many. */
  readonly route: string
  readonly status: number
  readonly seconds: number
}

/** What takes a look at files is looked at no more often than this, however often somebody scrapes. */
const KEPT_MS = 10_000

/** From answers out of the cache to the longest that are allowed. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Counts of the loop, by the name of the metric. */
const COUNTS: readonly (readonly [string, Exclude<keyof ServiceFigures, 'errors'>, string])[] = [
  ['bricktrail_objects_total', 'objects', 'Objects read from sources.'],
  ['bricktrail_records_total', 'records', 'Records read; each became an event, a duplicate or a reject.'],
  ['bricktrail_events_total', 'events', 'Events added to the lake.'],
  ['bricktrail_duplicates_total', 'duplicates', 'Records that were in the lake already.'],
  ['bricktrail_rejects_total', 'rejects', 'Records that could not become an event.'],
  ['bricktrail_secrets_redacted_total', 'redactions', 'Secrets that were cut out.'],
  ['bricktrail_ingest_seconds_total', 'ingestSeconds', 'Seconds spent on ingestion, without the rules.'],
  ['bricktrail_detection_seconds_total', 'detectionSeconds', 'Seconds the rules ran.'],
  ['bricktrail_detection_passes_total', 'detectionPasses', 'Passes of the rules over what was new.'],
  ['bricktrail_findings_total', 'findings', 'Findings that were new or had grown.'],
  ['bricktrail_alerts_opened_total', 'alertsOpened', 'Alerts opened or reopened.'],
  ['bricktrail_messages_total', 'messages', 'Messages put into the outbox.'],
]

const STATES = ['idle', 'running', 'failing', 'held', 'off'] as const

/** The metrics of one server. */
export class Metrics {
  readonly #registry = new Registry<RegistryContentType>()
  readonly #requests: Histogram<'method' | 'route' | 'status'>
  #turn: Promise<unknown> = Promise.resolve()

  constructor(measured: Measured) {
    const registers = [this.#registry]
    collectDefaultMetrics({ register: this.#registry })
    this.#requests = new Histogram({
      name: 'bricktrail_http_request_duration_seconds',
      help: 'Seconds until an answer began, by route and status.',
      labelNames: ['method', 'route', 'status'],
      buckets: BUCKETS,
      registers,
    })
    new Counter({
      name: 'bricktrail_own_records_total',
      help: 'Records of use written since the start.',
      registers,
      collect() {
        this.reset()
        this.inc(measured.ownLog.written)
      },
    })
    ofLoop(registers, measured)
    ofSources(registers, measured)
    ofDestinations(registers, measured.home)
    ofSeal(registers, measured.home)
  }

  /** Counts a request. */
  readonly answered = ({ method, route, status, seconds }: AnsweredRequest): void => {
    this.#requests.observe({ method, route, status: String(status) }, seconds)
  }

  /** All of it as text; scrapes at the same time wait for each other. */
  text(isOpen: boolean): Promise<{ type: string; text: string }> {
    const turn = this.#turn.then(async () => {
      this.#registry.setContentType(isOpen ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE)
      const names = this.#registry.getMetricsAsArray().map((metric) => ({ metric, name: metric.name }))
      try {
        return { type: this.#registry.contentType, text: await this.#registry.metrics() }
      } finally {
        // The library takes `_total` off the names of counters for OpenMetrics, and leaves it off.
        for (const { metric, name } of names) metric.name = name
      }
    })
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

/** What tells of the process, its requests and its stages, and nothing of how much there is in the account. */
const OF_MACHINE = /^(?:# (?:HELP|TYPE|UNIT) )?(?:process_|nodejs_|bricktrail_http_|bricktrail_stage_)|^# EOF/

/** The text of metrics for who sees rows of some workspaces or categories only. */
export const ofMachineAlone = (text: string): string =>
  text
    .split('\n')
    .filter((line) => line === '' || OF_MACHINE.test(line))
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')

function ofLoop(registers: Registries, { service }: Measured): void {
  for (const [name, key, help] of COUNTS)
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(service?.figures?.()[key] ?? 0)
      },
    })
  gauge(registers, 'bricktrail_rules', 'Rules that ran in the last pass.', () => service?.figures?.().rules)
  gauge(
    registers,
    'bricktrail_rules_left_out',
    'Rules that failed or were too slow in the last pass.',
    () => service?.figures?.().rulesLeftOut,
  )
  new Counter({
    name: 'bricktrail_stage_failures_total',
    help: 'Failures by stage of the loop.',
    labelNames: ['stage'],
    registers,
    collect() {
      this.reset()
      const errors = service?.figures?.().errors ?? {}
      for (const { name } of service?.stages() ?? []) this.inc({ stage: name }, errors[name] ?? 0)
    },
  })
  ofStages(registers, () => service?.stages() ?? [])
}

function ofStages(registers: Registries, stages: () => readonly StageHealth[]): void {
  new Gauge({
    name: 'bricktrail_stage_state',
    help: '1 for the state that a stage of the loop is in.',
    labelNames: ['stage', 'state'],
    registers,
    collect() {
      this.reset()
      for (const stage of stages())
        for (const state of STATES) this.set({ stage: stage.name, state }, stage.state === state ? 1 : 0)
    },
  })
  new Gauge({
    name: 'bricktrail_stage_last_success_timestamp_seconds',
    help: 'When a stage of the loop last went well, Unix time.',
    labelNames: ['stage'],
    registers,
    collect() {
      this.reset()
      for (const { name, lastSuccess } of stages())
        if (lastSuccess !== undefined) this.set({ stage: name }, Date.parse(lastSuccess) / 1000)
    },
  })
}

function ofSources(registers: Registries, { service }: Measured): void {
  const sources = kept(async () => (await service?.sources()) ?? [])
  const bySource = (name: string, help: string, value: (source: SourceHealth) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: ['source'],
      registers,
      async collect() {
        this.reset()
        for (const source of (await sources()) ?? []) {
          const found = value(source)
          if (found !== undefined) this.set({ source: source.name }, found)
        }
      },
    })
  bySource('bricktrail_source_lag_seconds', 'Age of the newest event of a source.', ({ lagSeconds }) => lagSeconds)
  bySource('bricktrail_source_objects', 'Objects taken from a source.', ({ objects }) => objects)
  bySource('bricktrail_source_events', 'Events taken from a source.', ({ events }) => events)
  bySource('bricktrail_source_rejects', 'Rejects of a source.', ({ rejects }) => rejects)
}

function ofDestinations(registers: Registries, home: Home): void {
  const destinations = kept(async () => statusOf(home, await readDeliverSettings(join(home.root, DELIVER_FILE))))
  const byDestination = (name: string, help: string, value: (status: DestinationStatus) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: ['destination', 'kind'],
      registers,
      async collect() {
        this.reset()
        for (const status of (await destinations()) ?? []) {
          const found = value(status)
          if (found !== undefined) this.set({ destination: status.name, kind: status.kind }, found)
        }
      },
    })
  byDestination(
    'bricktrail_destination_waiting',
    'Messages that wait, or batches of events that are not done.',
    ({ waiting }) => waiting,
  )
  byDestination('bricktrail_destination_delivered', 'Messages or events delivered.', ({ delivered }) => delivered)
  byDestination('bricktrail_destination_dead', 'Dead letters.', ({ dead }) => dead)
  byDestination(
    'bricktrail_destination_oldest_timestamp_seconds',
    'When the oldest message that waits was made, Unix time.',
    ({ oldest }) => (oldest === undefined ? undefined : Date.parse(oldest) / 1000),
  )
}

function ofSeal(registers: Registries, home: Home): void {
  const seal = kept<SealState & { readonly signedMs: number }>(async () => ({
    ...(await sealState(home)),
    signedMs: (await stat(join(home.seal, 'log', 'checkpoint'))).mtimeMs,
  }))
  const ofState = (name: string, help: string, value: (state: SealState & { readonly signedMs: number }) => number) =>
    gauge(registers, name, help, async () => {
      const state = await seal()
      return state === undefined ? undefined : value(state)
    })
  ofState('bricktrail_seal_leaves', 'Leaves of the transparency log.', ({ size }) => Number(size))
  ofState('bricktrail_seal_unsealed_commits', 'Commits that no leaf tells of yet.', ({ unsealed }) => unsealed)
  ofState(
    'bricktrail_seal_tables_behind',
    'Tables that end before what was sealed of them.',
    ({ behind }) => behind.length,
  )
  ofState(
    'bricktrail_seal_failing_anchors',
    'Anchors that did not take the newest checkpoint.',
    ({ anchors }) => anchors.filter(({ lastError }) => lastError !== undefined).length,
  )
  ofState(
    'bricktrail_seal_checkpoint_timestamp_seconds',
    'When the newest checkpoint was signed, Unix time.',
    ({ signedMs }) => signedMs / 1000,
  )
}

/** A gauge without labels; it has no value where there is none. */
function gauge(
  registers: Registries,
  name: string,
  help: string,
  value: () => number | undefined | Promise<number | undefined>,
): void {
  new Gauge({
    name,
    help,
    registers,
    async collect() {
      this.remove()
      const found = await value()
      if (found !== undefined) this.set(found)
    },
  })
}

/** An answer that is kept for a while; undefined where it cannot be had: one that fails must not take the others along. */
function kept<T>(ask: () => Promise<T>): () => Promise<T | undefined> {
  let last: { readonly ms: number; readonly answer: Promise<T | undefined> } | undefined
  return () => {
    if (last === undefined || Date.now() - last.ms > KEPT_MS)
      last = { ms: Date.now(), answer: ask().catch(() => undefined) }
    return last.answer
  }
}
