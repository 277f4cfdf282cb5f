/**
 * Issues of Jira Cloud, by REST API 3. An alert is one issue, found again by a label that follows from the alert; what happens to the alert
 * becomes comments, found again by the message they name. So a repeat makes neither a second issue nor a second comment.
 * https://developer.atlassian.com/cloud/jira/platform/rest/v3/
 */
import { createHash } from 'node:crypto'
import type { Level } from '../../detect/sigma/rule.ts'
import {
  type Batch,
  DELIVERED,
  type Item,
  type Outcome,
  type Sink,
  type SinkContext,
  type SinkKind,
} from '../contract.ts'
import { type HttpAnswer, type HttpClient, NoAnswer, outcomeOf, outcomeOfSending, said } from '../http.ts'
import { TEMPLATE_PROPERTIES, type TemplateSettings } from '../template.ts'
import { trimmedAddress, WEB_PROPERTIES, type WebSettings, webClient } from '../web.ts'
import { clipped, firstOf, type Worded, wordsmith } from '../wording.ts'

/** Its section of the settings. */
export interface JiraSettings extends TemplateSettings, WebSettings {
  readonly url: string
  readonly email: string
  /** Reference to an API token of that account. */
  readonly token: string
  readonly project: string
  readonly issue_type?: string
  readonly labels?: readonly string[]
  readonly priorities?: Partial<Readonly<Record<Level, string>>>
  readonly fields?: Readonly<Record<string, unknown>>
  readonly resolve_transition?: string
  readonly reopen_transition?: string
}

/** Most characters of a summary; a description takes 32,767, of which these leave enough. */
const SUMMARY = 250
const BODY = 8000
const FACT = 500
const LINES = 20
const LINE = 250
const STEPS = 8
const SQL = 800

/** Comments that are looked through for one that is there already. */
const COMMENTS = 100

/** So long may it take until a search finds a new issue: seconds, as a rule. */
const INDEXED_MS = 20_000

/** Issues that are remembered, as a search finds them late. */
const REMEMBERED = 5000

/** Keys of an answer's `errors` that are about the alert's words; faults in others come of the settings. */
const OURS = ['summary', 'description', 'comment']

type Node = Readonly<Record<string, unknown>>

const textNode = (text: string, ...marks: readonly string[]): Node => ({
  type: 'text',
  text,
  ...(marks.length === 0 ? {} : { marks: marks.map((type) => ({ type })) }),
})

/** Text nodes may not be empty. */
const paragraph = (...content: readonly Node[]): Node => ({
  type: 'paragraph',
  content: content.filter(({ text }) => text !== ''),
})

const bullets = (items: readonly (readonly Node[])[]): readonly Node[] =>
  items.length === 0
    ? []
    : [{ type: 'bulletList', content: items.map((nodes) => ({ type: 'listItem', content: [paragraph(...nodes)] })) }]

/** The message as a document (ADF): texts in it are never markup. */
export function jiraDocument({ words }: Worded): Node {
  const because = firstOf(words.because, LINES, (more) => `and ${more} more`)
  const link = { type: 'link', attrs: { href: words.url } }
  return {
    type: 'doc',
    version: 1,
    content: [
      ...clipped(words.body, BODY)
        .split('\n')
        .map((line) => paragraph(textNode(line))),
      ...bullets(words.facts.map(([name, value]) => [textNode(`${name}: `, 'strong'), textNode(clipped(value, FACT))])),
      ...(because.length === 0 ? [] : [paragraph(textNode('Why', 'strong'))]),
      ...bullets(because.map((line) => [textNode(clipped(line, LINE))])),
      ...words.runbook
        .slice(0, STEPS)
        .flatMap(({ title, sql }) => [
          paragraph(textNode(clipped(title, LINE), 'strong')),
          ...(sql === ''
            ? []
            : [{ type: 'codeBlock', attrs: { language: 'sql' }, content: [textNode(clipped(sql, SQL))] }]),
        ]),
      ...(words.url === undefined ? [] : [paragraph({ type: 'text', text: 'Look into it', marks: [link] })]),
      paragraph(textNode(words.footer)),
    ],
  }
}

/** The label by which an alert's issue is found. */
export const jiraLabel = (alertId: string): string =>
  `bricktrail-${createHash('sha256').update(alertId).digest('hex').slice(0, 24)}`

/** An answer that ends the attempt, as what became of the item. */
class Ended extends Error {
  readonly outcome: Outcome

  constructor(outcome: Outcome) {
    super('ended')
    this.outcome = outcome
  }
}

interface Issue {
  readonly key: string
  readonly isDone: boolean
}

class Jira implements Sink {
  readonly limits = { items: 1, bytes: 1024 * 1024, itemBytes: 1024 * 1024, itemOverhead: 0 }
  readonly #settings: JiraSettings
  readonly #base: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #client: HttpClient
  readonly #worded: ReturnType<typeof wordsmith>
  /** Issues made by this process, by alert. */
  readonly #made = new Map<string, string>()
  /** Alerts whose issue may have been made without our hearing of it, and when. */
  readonly #unsure = new Map<string, number>()

  constructor(settings: JiraSettings, { secret }: SinkContext, client: HttpClient) {
    this.#settings = settings
    this.#worded = wordsmith(settings)
    this.#base = `${trimmedAddress(settings.url)}/rest/api/3`
    const login = Buffer.from(`${settings.email}:${secret(settings.token)}`).toString('base64')
    this.#headers = { authorization: `Basic ${login}`, accept: 'application/json', 'content-type': 'application/json' }
    this.#client = client
  }

  async send({ items: [item] }: Batch, signal: AbortSignal): Promise<Outcome> {
    if (item === undefined) return DELIVERED
    return outcomeOfSending(async () => {
      try {
        return await this.#tell(item, signal)
      } catch (cause) {
        if (cause instanceof Ended) return cause.outcome
        throw cause
      }
    })
  }

  async close(): Promise<void> {
    this.#client.close()
  }

  async #tell(item: Item, signal: AbortSignal): Promise<Outcome> {
    const worded = this.#worded(item)
    const { action, alertId } = worded.message
    const issue = await this.#find(alertId, signal)
    const isEnd = action === 'resolved' || action === 'acknowledged'
    // Whose issue is gone, or never was, needs no word that nothing is to be done.
    if (issue === undefined) return isEnd ? DELIVERED : this.#create(worded, signal)
    if (action !== 'opened') await this.#comment(issue, worded, signal)
    const { resolve_transition: resolve, reopen_transition: reopen } = this.#settings
    if (action === 'resolved' && resolve !== undefined && !issue.isDone) return this.#move(issue, resolve, signal)
    if (action === 'reopened' && reopen !== undefined && issue.isDone) return this.#move(issue, reopen, signal)
    return DELIVERED
  }

  /** The issue of an alert: the one made last by this process, or the oldest that a search finds. */
  async #find(alertId: string, signal: AbortSignal): Promise<Issue | undefined> {
    const known = this.#made.get(alertId)
    if (known !== undefined) {
      const answer = await this.#request('GET', `/issue/${encodeURIComponent(known)}?fields=status`, undefined, signal)
      if (answer.status === 200) return issueOf(JSON.parse(answer.body))
      if (answer.status !== 404) throw new Ended(jiraOutcome(answer))
      this.#made.delete(alertId)
    }
    const jql = `project = "${this.#settings.project}" AND labels = "${jiraLabel(alertId)}" ORDER BY created ASC`
    const body = { jql, maxResults: 1, fields: ['status'] }
    const answer = await this.#asked('POST', '/search/jql', body, signal)
    const [found] = (JSON.parse(answer.body) as { issues?: readonly unknown[] }).issues ?? []
    const unsureMs = this.#unsure.get(alertId)
    if (found !== undefined) {
      this.#unsure.delete(alertId)
      return issueOf(found)
    }
    const waitMs = unsureMs === undefined ? 0 : unsureMs + INDEXED_MS - Date.now()
    if (waitMs > 0) {
      const reason = 'Whether the issue was made already is not known yet.'
      throw new Ended({ kind: 'again', reason, retryAfterMs: waitMs })
    }
    return undefined
  }

  async #create({ message, words, ...rest }: Worded, signal: AbortSignal): Promise<Outcome> {
    const { project, issue_type: type = 'Task', labels = [], priorities = {}, fields = {} } = this.#settings
    const priority = priorities[message.level]
    const body = {
      fields: {
        ...fields,
        project: { key: project },
        issuetype: { name: type },
        summary: clipped(words.title, SUMMARY) || 'Bricktrail',
        description: jiraDocument({ message, words, ...rest }),
        labels: [...labels, 'bricktrail', jiraLabel(message.alertId)],
        ...(priority === undefined ? {} : { priority: { name: priority } }),
      },
    }
    const answer = await this.#request('POST', '/issue', body, signal).catch((cause) => {
      if (cause instanceof NoAnswer) this.#doubt(message.alertId)
      throw cause
    })
    const outcome = jiraOutcome(answer)
    if (answer.status >= 500) this.#doubt(message.alertId)
    if (outcome.kind === 'delivered') this.#know(message.alertId, answer)
    return outcome
  }

  async #comment(issue: Issue, worded: Worded, signal: AbortSignal): Promise<void> {
    const path = `/issue/${encodeURIComponent(issue.key)}/comment`
    const there = await this.#asked('GET', `${path}?orderBy=-created&maxResults=${COMMENTS}`, undefined, signal)
    const { comments = [] } = JSON.parse(there.body) as { comments?: readonly { readonly body?: unknown }[] }
    const footer = JSON.stringify(worded.words.footer)
    if (comments.some(({ body }) => JSON.stringify(body ?? '').includes(footer))) return
    const document = jiraDocument(worded)
    const title = paragraph(textNode(clipped(worded.words.title, SUMMARY), 'strong'))
    const body = { body: { ...document, content: [title, ...(document.content as readonly Node[])] } }
    await this.#asked('POST', path, body, signal)
  }

  async #move(issue: Issue, wanted: string, signal: AbortSignal): Promise<Outcome> {
    const path = `/issue/${encodeURIComponent(issue.key)}/transitions`
    const answer = await this.#asked('GET', path, undefined, signal)
    const { transitions = [] } = JSON.parse(answer.body) as { transitions?: readonly { id: string; name: string }[] }
    const found = transitions.find(({ id, name }) => id === wanted || name.toLowerCase() === wanted.toLowerCase())
    if (found === undefined) {
      const offered = transitions.map(({ name }) => name).join(', ')
      return { kind: 'dead', reason: `${issue.key} has no transition ${wanted} where it is now; it has: ${offered}.` }
    }
    await this.#asked('POST', path, { transition: { id: found.id } }, signal)
    return DELIVERED
  }

  #know(alertId: string, answer: HttpAnswer): void {
    this.#unsure.delete(alertId)
    const { key } = JSON.parse(answer.body) as { key?: string }
    if (key !== undefined) this.#made.set(alertId, key)
    forgetOldest(this.#made)
  }

  #doubt(alertId: string): void {
    this.#unsure.set(alertId, Date.now())
    forgetOldest(this.#unsure)
  }

  /** A request that must succeed for the attempt to go on. */
  async #asked(method: 'GET' | 'POST', path: string, body: unknown, signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await this.#request(method, path, body, signal)
    const outcome = jiraOutcome(answer)
    if (outcome.kind === 'delivered') return answer
    throw new Ended(outcome)
  }

  #request(method: 'GET' | 'POST', path: string, body: unknown, signal: AbortSignal): Promise<HttpAnswer> {
    const headers = this.#headers
    const text = body === undefined ? {} : { body: JSON.stringify(body) }
    return this.#client.send({ method, url: `${this.#base}${path}`, headers, signal, ...text })
  }
}

function forgetOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys()
  if (map.size > REMEMBERED && oldest !== undefined) map.delete(oldest)
}

function issueOf(value: unknown): Issue {
  const { key, fields } = value as { key: string; fields?: { status?: { statusCategory?: { key?: string } } } }
  return { key, isDone: fields?.status?.statusCategory?.key === 'done' }
}

/** A field that the project does not have, or has no such value, is a fault of the settings. */
function jiraOutcome(answer: HttpAnswer): Outcome {
  if (answer.status === 400 && faultyFields(answer).some((field) => !OURS.includes(field)))
    return { kind: 'misconfigured', reason: said(answer) }
  return outcomeOf(answer)
}

function faultyFields({ body }: HttpAnswer): readonly string[] {
  try {
    const { errors } = JSON.parse(body) as { errors?: unknown }
    return typeof errors === 'object' && errors !== null ? Object.keys(errors) : []
  } catch {
    return []
  }
}

const text = (description: string) => ({ type: 'string', minLength: 1, description })

/** Issues of Jira. */
export const jira: SinkKind<JiraSettings> = {
  kind: 'jira',
  takes: 'messages',
  keepsOpen: true,
  doc: 'Issues of Jira Cloud: one an alert, with a comment for what happens to it.',
  schema: {
    type: 'object',
    required: ['url', 'email', 'token', 'project'],
    additionalProperties: false,
    properties: {
      url: {
        type: 'string',
        format: 'web-address',
        description: 'Address of the site, such as `https://example.atlassian.net`.',
      },
      email: text('Account that the token belongs to.'),
      token: { type: 'string', format: 'reference', description: 'Reference to an API token.' },
      project: { type: 'string', pattern: '^[A-Z][A-Z0-9_]+$', description: 'Key of the project.' },
      issue_type: text('Type of the issues, `Task` where absent.'),
      labels: {
        type: 'array',
        items: { type: 'string', pattern: '^\\S+$' },
        description: 'Labels besides `bricktrail` and the one that the issue is found by.',
      },
      priorities: {
        type: 'object',
        additionalProperties: false,
        properties: Object.fromEntries(
          ['informational', 'low', 'medium', 'high', 'critical'].map((level) => [level, { type: 'string' }]),
        ),
        description: 'Names of priorities by level; none is set where absent.',
      },
      fields: { type: 'object', description: 'Further fields, as the API takes them.' },
      resolve_transition: text('Name or id of the transition when the alert is resolved; only a comment where absent.'),
      reopen_transition: text('Name or id of the transition when it is reopened.'),
      ...TEMPLATE_PROPERTIES,
      ...WEB_PROPERTIES,
    },
  },
  open: async (settings, context) => new Jira(settings, context, await webClient(settings, context, false)),
}
