/** What `bricktrail.yaml` may say. The JSON Schema for editors and the reference page are made from this. */
import { isIP } from 'node:net'
import { z } from 'zod'
import { parseDuration } from '../ask/times.ts'
import { referenceFault } from '../deliver/secrets.ts'
import { CATEGORIES } from '../normalise/catalogue/vocabulary.ts'
import { FORMS } from '../normalise/registry.ts'
import { MASKS, PERMISSIONS, type Permission, ROLES } from '../serve/contract.ts'
import { cronFault } from '../service/schedule.ts'

/** Name of the file in a home. */
export const CONFIG_FILE = 'bricktrail.yaml'

const fault = (work: () => unknown): string | undefined => {
  try {
    work()
    return undefined
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}

/** A text that a check finds nothing wrong with. */
const checked = (check: (text: string) => string | undefined) =>
  z
    .string()
    .min(1)
    .max(4000)
    .superRefine((text, context) => {
      const message = check(text)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    })

const duration = checked((text) => fault(() => parseDuration(text))).meta({
  title: 'length of time',
  examples: ['30s', '15m', '12h'],
})

const SIZE = /^(\d+(?:\.\d+)?) ?(B|KiB|MiB|GiB|TiB|kB|MB|GB|TB)$/
const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
}

/** Bytes of a text such as `512MiB`; undefined for what is none. */
export function bytesOf(text: string): number | undefined {
  const [, amount = '', unit = ''] = SIZE.exec(text) ?? []
  return amount === '' ? undefined : Math.round(Number(amount) * (UNITS[unit] ?? 1))
}

const size = checked((text) =>
  bytesOf(text) === undefined ? `"${text}" is no size, such as 512MiB.` : undefined,
).meta({
  title: 'size',
  examples: ['512MiB', '2GiB'],
})

/** True for what can only be meant as a cron pattern: several fields, or one of its names. */
export const isCron = (text: string): boolean => /^\S+(\s+\S+){4,5}$/.test(text.trim()) || text.startsWith('@')

const schedule = checked((text) => {
  const wrong = isCron(text) ? cronFault(text) : fault(() => parseDuration(text))
  return wrong === undefined ? undefined : `"${text}" is neither a length of time nor a cron pattern: ${wrong}`
}).meta({ title: 'schedule', examples: ['15m', '30 3 * * *'] })

const reference = checked(referenceFault).meta({
  title: 'reference',
  examples: ['env:BRICKTRAIL_OIDC_SECRET', 'file:/run/secrets/oidc'],
})
const role = z.enum(ROLES)
const permission = z.enum(Object.keys(PERMISSIONS) as [Permission, ...Permission[]])
const category = z.enum(CATEGORIES.map(({ name }) => name))
const path = z.string().trim().min(1).max(4000)
const texts = z.array(z.string().min(1).max(500)).max(1000)

/** `host:port`, taken apart; undefined for what is none. */
export function addressOf(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, host = '', port = ''] = /^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+):(\d{1,5})$/.exec(text) ?? []
  if (host === '' || Number(port) > 65_535) return undefined
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

const listen = checked((text) =>
  addressOf(text) === undefined
    ? `"${text}" is no address with a port, such as 127.0.0.1:7420 or [::1]:7420.`
    : undefined,
).meta({ examples: ['127.0.0.1:7420'] })

const publicUrl = checked((text) => {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol))
    return `"${text}" is no address such as https://audit.example.com.`
  return url.pathname !== '/' || url.search !== '' || url.username !== ''
    ? 'The address has no path, no query and no user: Bricktrail answers at the root of a host.'
    : undefined
}).meta({ examples: ['https://audit.example.com'] })

const hostName = checked((text) =>
  /^(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$/.test(text) && text.length <= 253
    ? undefined
    : `"${text}" is no name of a host, such as audit.internal; it has no scheme and no port.`,
).meta({ title: 'name of a host', examples: ['audit.internal'] })

const network = checked((text) => {
  const [address = '', bits, more] = text.split('/')
  const family = isIP(address)
  const isNetwork = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32))
  return family === 0 || !isNetwork || more !== undefined
    ? `"${text}" is no address or network, such as 10.0.0.0/8.`
    : undefined
}).meta({ title: 'address or network', examples: ['10.0.0.7', '10.0.0.0/8'] })

const source = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, {
        error: 'A name has small letters, digits and dashes, and begins with none of the last.',
      })
      .describe('What it is called in lists and metrics.'),
    path: path.optional().describe('A file, a folder with all below it, or a glob pattern. Relative to this file.'),
    paths: z.array(path).min(1).max(100).optional().describe('Several of them.'),
    form: z
      .enum(['auto', ...FORMS.map(({ name }) => name)])
      .optional()
      .describe('Form of its logs; told from the content where absent.'),
    every: duration
      .optional()
      .describe('How often it is listed; 30s where absent. Changes on local disks are noticed sooner.'),
  })
  .refine((each) => (each.path === undefined) !== (each.paths === undefined), {
    error: 'A source has either `path` or `paths`.',
  })

const serve = z.strictObject({
  listen: listen.optional().describe('Address and port; 127.0.0.1:7420 where absent.'),
  public_url: publicUrl
    .optional()
    .describe('What people type to get here. Needed where that is not the address listened on.'),
  names: z
    .array(hostName)
    .max(100)
    .optional()
    .describe('More names under which requests are answered, such as those that monitoring uses.'),
  tls: z
    .strictObject({
      cert: path.describe('PEM file of the certificate, with those above it. Relative to this file.'),
      key: path.describe('PEM file of its key.'),
    })
    .optional()
    .describe('A certificate of its own.'),
  behind_proxy: z
    .array(network)
    .max(1000)
    .optional()
    .describe(
      'Addresses and networks of the proxies in front, whose X-Forwarded-For and X-Forwarded-Proto are believed.',
    ),
  sessions: z
    .strictObject({
      longest: duration.optional().describe('A session ends after this long; 12h where absent.'),
      idle: duration.optional().describe('It ends sooner when nothing is asked for this long; 1h where absent.'),
    })
    .optional()
    .describe('How long people stay signed in.'),
  limits: z
    .strictObject({
      requests_per_minute: z
        .int()
        .min(10)
        .max(1_000_000)
        .optional()
        .describe('Of one token, or one person in all their sessions; 1200 where absent.'),
      body: size.optional().describe('Longest body of a request; 1MiB where absent.'),
      headers: size.optional().describe('Longest headers; 16KiB where absent.'),
      request_time: duration.optional().describe('How long an answer may take; 60s where absent.'),
      sign_in_failures: z
        .int()
        .min(1)
        .max(1000)
        .optional()
        .describe('Failed sign-ins before a lock-out; 5 where absent.'),
      connections: z.int().min(10).max(100_000).optional().describe('Connections at once; 1000 where absent.'),
    })
    .optional()
    .describe('Bounds of what one may ask.'),
})

const roleChange = z.strictObject({
  allow: z.array(permission).optional().describe('Permissions added to those it has.'),
  deny: z.array(permission).optional().describe('Permissions taken away; stronger than `allow`.'),
  masks: z.array(z.enum(MASKS)).optional().describe('What is masked, in place of the usual.'),
  workspaces: texts.optional().describe('Ids of the workspaces it sees; all where absent.'),
  categories: z.array(category).optional().describe('Categories of events it sees; all where absent.'),
})

const oidc = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(60)
    .optional()
    .describe('On the button of the sign-in page; the host of the issuer where absent.'),
  issuer: checked((text) =>
    /^https:\/\/[^\s?#]+$|^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/[^\s?#]*)?$/.test(text)
      ? undefined
      : `"${text}" is no https address of an issuer.`,
  )
    .meta({ examples: ['https://login.example.com'] })
    .describe('Address of the OpenID provider; discovery is asked there.'),
  client_id: z.string().min(1).max(500).describe('Id of this client there.'),
  client_secret: reference.optional().describe('Reference to its secret; absent for a public client.'),
  scopes: texts.optional().describe('Scopes asked for; openid, profile and email where absent.'),
  groups_claim: z.string().min(1).max(200).optional().describe('Claim that lists groups; `groups` where absent.'),
  groups: z.record(z.string(), role).optional().describe('Role by group; the one that may most counts.'),
  people: z.record(z.string(), role).optional().describe('Role by e-mail address; stronger than groups.'),
  default_role: role.optional().describe('Role of everybody else whom the provider knows; none where absent.'),
  domains: texts.optional().describe('Domains of e-mail addresses that may sign in; all where absent.'),
  trust_email: z
    .boolean()
    .optional()
    .describe('True takes addresses that the provider does not call verified: only where nobody can change their own.'),
})

const access = z.strictObject({
  oidc: oidc.optional().describe('Sign-in with an OpenID provider.'),
  roles: z.partialRecord(role, roleChange).optional().describe('What differs from the usual roles.'),
})

const schedules = z.strictObject({
  own_log: schedule.optional().describe('Ingestion of the record of use; 15s where absent.'),
  alert: schedule
    .optional()
    .describe('Alerts without a new finding, such as reminders; 1m where absent. New findings are noticed at once.'),
  silence: schedule.optional().describe('Rules about what did not happen; 10m where absent.'),
  compact: schedule.optional().describe('A look at whether small files are to be merged; 15m where absent.'),
})

/** The whole file. */
export const ConfigFile = z.strictObject({
  sources: z.array(source).max(1000).optional().describe('Where logs come from.'),
  serve: serve.optional().describe('Where it answers, and how.'),
  access: access.optional().describe('Who may sign in, and what roles may.'),
  schedules: schedules
    .optional()
    .describe('When the parts of the service run: a length of time, or a cron pattern in UTC.'),
  deliver: z.boolean().optional().describe('False leaves delivery to `bricktrail deliver drain`; true where absent.'),
  disk_floor: size
    .optional()
    .describe('With less room on the disk than this nothing is ingested; 512MiB where absent.'),
  grace: duration.optional().describe('Age at which files that were merged are deleted; 7d where absent.'),
})

/** The file as a value. */
export type ConfigFile = z.infer<typeof ConfigFile>

/** Its JSON Schema (2020-12), for editors. */
export const configJsonSchema = (): Record<string, unknown> => ({
  ...z.toJSONSchema(ConfigFile, { io: 'input', unrepresentable: 'any' }),
  title: 'bricktrail.yaml',
  description:
    'Settings of the service. https://json-schema.org describes this file; docs/reference/config.md has it as a page.',
})
