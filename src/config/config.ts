/** `bricktrail.yaml`, read once: checked, with defaults, as the rooms want it. */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseDuration } from '../ask/times.ts'
import { AppError, isAppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import type { YamlDocument } from '../core/yaml/documents.ts'
import { placeText } from '../core/yaml/place.ts'
import { settingsFrom, settingsText } from '../core/yaml/settings.ts'
import { secretAt } from '../deliver/secrets.ts'
import { ROLES, type Role } from '../serve/contract.ts'
import type { AccessSettings, OidcSettings, ServeSettings } from '../serve/settings.ts'
import { USUAL_SETTINGS } from '../serve/settings.ts'
import type { Schedule } from '../service/schedule.ts'
import { type ServiceSettings, type SourceSettings, USUAL_EVERY_MS, USUAL_SERVICE } from '../service/settings.ts'
import { reportIssues } from './faults.ts'
import { addressOf, bytesOf, CONFIG_FILE, ConfigFile, configJsonSchema, isCron } from './schema.ts'

/** Where the server listens. */
export interface Listen {
  readonly host: string
  readonly port: number
}

/** The configuration of a service. */
export interface Config {
  /** The file it was read from; absent where there is none. */
  readonly file?: string
  readonly listen: Listen
  readonly serve: ServeSettings
  readonly service: ServiceSettings
}

/** On this machine only, on a port that few others use. */
const USUAL_LISTEN: Listen = { host: '127.0.0.1', port: 7420 }

/**
 * The configuration of a home, from the file that is named or `bricktrail.yaml` in it; the usual one where there is none.
 * @throws AppError BAD_HOME with file, line and column
 */
export async function readConfig(
  home: Pick<Home, 'root'>,
  named: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Config> {
  const file = named === undefined ? join(home.root, CONFIG_FILE) : resolve(named)
  if (named !== undefined && !existsSync(file))
    throw new AppError('BAD_HOME', `There is no file ${file}.`, {
      hint: 'Run `bricktrail init`, or leave --config away.',
    })
  const config = configOf(await settingsText(file), file, environment)
  return existsSync(file) ? { ...config, file } : config
}

/**
 * The configuration of a text.
 * @throws AppError BAD_HOME with file, line and column
 */
export const configOf = (text: string, file: string, environment: NodeJS.ProcessEnv = process.env): Config =>
  settingsFrom(
    text,
    file,
    (document) => fromDocument(document, environment),
    () => fromFile({}, dirname(file), () => undefined),
  )

function fromDocument(document: YamlDocument, environment: NodeJS.ProcessEnv): Config {
  const { success, data, error } = ConfigFile.safeParse(document.value)
  if (!success) {
    reportIssues(document, error.issues, configJsonSchema())
    return fromFile({}, dirname(document.file), () => undefined)
  }
  reportRepeats(document, data)
  return fromFile(data, dirname(document.file), (reference) => secretOf(document, reference, environment))
}

/** Names and paths that stand there twice. */
function reportRepeats(document: YamlDocument, { sources = [] }: ConfigFile): void {
  const seen = new Map<string, string>()
  for (const [at, { name, path, paths = [] }] of sources.entries()) {
    if (sources.findIndex((each) => each.name === name) < at)
      document.error(['sources', at, 'name'], `There are two sources ${name}.`, 'Give each a name of its own.')
    for (const each of path === undefined ? paths : [path]) {
      const other = seen.get(each)
      if (other !== undefined)
        document.error(
          ['sources', at, path === undefined ? 'paths' : 'path'],
          `${each} is read by ${other} already.`,
          'Name it once.',
        )
      seen.set(each, name)
    }
  }
}

function secretOf(document: YamlDocument, reference: string, environment: NodeJS.ProcessEnv): string | undefined {
  const path = ['access', 'oidc', 'client_secret']
  try {
    return secretAt(reference, environment)
  } catch (cause) {
    if (!isAppError(cause)) throw cause
    const place = placeText(document.placeOf(path))
    throw new AppError('BAD_HOME', `${place}: ${cause.message}`, { hint: cause.hint, where: place, cause })
  }
}

type Secrets = (reference: string) => string | undefined

function fromFile(file: ConfigFile, folder: string, secrets: Secrets): Config {
  const { listen } = file.serve ?? {}
  return {
    listen: (listen === undefined ? undefined : addressOf(listen)) ?? USUAL_LISTEN,
    serve: serveSettings(file, folder, secrets),
    service: serviceSettings(file, folder),
  }
}

function serviceSettings({ sources = [], schedules = {}, ...file }: ConfigFile, folder: string): ServiceSettings {
  const { own_log, alert, silence, compact } = schedules
  const usual = USUAL_SERVICE.schedules
  return {
    sources: sources.map(
      (source): SourceSettings => ({
        name: source.name,
        specs: (source.paths ?? [source.path ?? '']).map((path) => resolve(folder, path)),
        form: source.form ?? 'auto',
        everyMs: source.every === undefined ? USUAL_EVERY_MS : parseDuration(source.every),
      }),
    ),
    schedules: {
      ownLog: scheduleOf(own_log) ?? usual.ownLog,
      alert: scheduleOf(alert) ?? usual.alert,
      silence: scheduleOf(silence) ?? usual.silence,
      compact: scheduleOf(compact) ?? usual.compact,
    },
    diskFloorBytes: sizeOf(file.disk_floor) ?? USUAL_SERVICE.diskFloorBytes,
    graceMs: file.grace === undefined ? USUAL_SERVICE.graceMs : parseDuration(file.grace),
    delivers: file.deliver ?? USUAL_SERVICE.delivers,
  }
}

function scheduleOf(text: string | undefined): Schedule | undefined {
  if (text === undefined) return undefined
  return isCron(text) ? { cron: text } : { everyMs: parseDuration(text) }
}

const sizeOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : bytesOf(text))

function serveSettings({ serve = {}, access = {} }: ConfigFile, folder: string, secrets: Secrets): ServeSettings {
  const { public_url, names, tls, behind_proxy, sessions = {}, limits = {} } = serve
  const usual = USUAL_SETTINGS
  const inUnits = (text: string | undefined, unitMs: number, otherwise: number) =>
    text === undefined ? otherwise : parseDuration(text) / unitMs
  return {
    ...(public_url === undefined ? {} : { publicUrl: new URL(public_url).origin }),
    ...(tls === undefined ? {} : { tls: { certFile: resolve(folder, tls.cert), keyFile: resolve(folder, tls.key) } }),
    names: names?.map((name) => name.toLowerCase()) ?? usual.names,
    behindProxy: behind_proxy ?? usual.behindProxy,
    sessions: {
      hours: inUnits(sessions.longest, 3_600_000, usual.sessions.hours),
      idleMinutes: inUnits(sessions.idle, 60_000, usual.sessions.idleMinutes),
    },
    limits: {
      requestsPerMinute: limits.requests_per_minute ?? usual.limits.requestsPerMinute,
      bodyBytes: sizeOf(limits.body) ?? usual.limits.bodyBytes,
      headerBytes: sizeOf(limits.headers) ?? usual.limits.headerBytes,
      requestSeconds: inUnits(limits.request_time, 1000, usual.limits.requestSeconds),
      signInFailures: limits.sign_in_failures ?? usual.limits.signInFailures,
      connections: limits.connections ?? usual.limits.connections,
    },
    access: accessSettings(access, secrets),
  }
}

function accessSettings({ oidc, roles }: NonNullable<ConfigFile['access']>, secrets: Secrets): AccessSettings {
  return {
    ...(oidc === undefined ? {} : { oidc: oidcSettings(oidc, secrets) }),
    ...(roles === undefined ? {} : { roles: Object.fromEntries(ROLES.flatMap((role) => changeOf(roles, role))) }),
  }
}

type Roles = NonNullable<NonNullable<ConfigFile['access']>['roles']>

function changeOf(roles: Roles, role: Role) {
  const change = roles[role]
  if (change === undefined) return []
  const { workspaces, categories, ...rights } = change
  const rows = present({ workspaces, categories })
  return [[role, { ...present(rights), ...(Object.keys(rows).length === 0 ? {} : { rows }) }] as const]
}

type OidcFile = NonNullable<NonNullable<ConfigFile['access']>['oidc']>

function oidcSettings(oidc: OidcFile, secrets: Secrets): OidcSettings {
  const clientSecret = oidc.client_secret === undefined ? undefined : secrets(oidc.client_secret)
  const inSmallLetters = Object.entries(oidc.people ?? {}).map(([email, role]) => [email.toLowerCase(), role] as const)
  return {
    name: oidc.name ?? new URL(oidc.issuer).host,
    issuer: oidc.issuer,
    clientId: oidc.client_id,
    ...(clientSecret === undefined ? {} : { clientSecret }),
    scopes: oidc.scopes ?? ['openid', 'profile', 'email'],
    groupsClaim: oidc.groups_claim ?? 'groups',
    groups: oidc.groups ?? {},
    people: Object.fromEntries(inSmallLetters),
    ...(oidc.default_role === undefined ? {} : { defaultRole: oidc.default_role }),
    domains: (oidc.domains ?? []).map((domain) => domain.toLowerCase()),
    ...(oidc.trust_email === undefined ? {} : { trustEmail: oidc.trust_email }),
  }
}

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> }

const present = <T extends object>(value: T): Present<T> =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Present<T>
