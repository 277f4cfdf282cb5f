/** The data folder and what stands where in it. */
import { join, resolve } from 'node:path'

/** Paths inside a home. */
export interface Home {
  readonly root: string
  /** Delta tables, one folder each. */
  readonly lake: string
  readonly events: string
  readonly rejects: string
  readonly findings: string
  /** What detection remembers from one pass to the next; made again from the lake where it is lost. */
  readonly detect: string
  /** What a site decided about detection: docs/how-to/tune-rules.md. */
  readonly detectSettings: string
  /** SQLite: the source ledger and other small mutable state. */
  readonly ledger: string
  /** SQLite file whose lock the one writer holds. */
  readonly writerLock: string
  /** One JSON manifest per committed batch. */
  readonly manifests: string
  /** The transparency log, its keys, manifests and anchors (docs/design/005-seal.md). */
  readonly seal: string
  /** Received bytes, by their digest. */
  readonly raw: string
  /** SQLite: alerts and incidents, their history, and what people decided about them. */
  readonly alerts: string
  /** SQLite: what is to be delivered, and how far each destination has come. */
  readonly outbox: string
  /** The record of use: what Bricktrail itself was asked, by day, in the form of delivered logs. */
  readonly own: string
  /** SQLite: who may sign in: tokens, sessions, people, saved searches. */
  readonly access: string
  /** SQLite file whose lock the one service holds. */
  readonly serviceLock: string
  /** Spill and spool files; safe to delete when nothing runs. */
  readonly tmp: string
  /** Things that can be made again, such as the compiled network database. */
  readonly cache: string
}

/** The folder used when neither --home nor BRICKTRAIL_HOME says otherwise. */
export const DEFAULT_HOME = 'bricktrail-data'

/** How folders of a home are made: what they hold is nobody's but the owner's, until the owner says otherwise. */
export const OWNERS_FOLDER = { recursive: true, mode: 0o700 } as const

/** Names the paths of a home; touches no disk. */
export function homeAt(root: string): Home {
  const at = resolve(root)
  const lake = join(at, 'lake')
  return {
    root: at,
    lake,
    events: join(lake, 'events'),
    rejects: join(lake, 'rejects'),
    findings: join(lake, 'findings'),
    detect: join(at, 'detect'),
    detectSettings: join(at, 'detect.yaml'),
    ledger: join(at, 'ledger.db'),
    writerLock: join(at, 'writer.lock'),
    manifests: join(at, 'manifests'),
    seal: join(at, 'seal'),
    raw: join(at, 'raw'),
    alerts: join(at, 'alerts.db'),
    outbox: join(at, 'deliver.db'),
    own: join(at, 'own'),
    access: join(at, 'access.db'),
    serviceLock: join(at, 'service.lock'),
    tmp: join(at, 'tmp'),
    cache: join(at, 'cache'),
  }
}
