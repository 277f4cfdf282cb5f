/**
 * A message in plain words, for destinations that people read. Every text here is free of control characters; it is for the destination to
 * see that none of it is read as markup.
 */
import { printable, printableLines } from '../core/printable.ts'
import type { Item } from './contract.ts'
import { MARK } from './fit.ts'
import { type AlertMessage, type MessageAction, messageOfItem } from './message.ts'
import { type TemplateSettings, templateOf } from './template.ts'

/** A message in words. */
export interface Wording {
  readonly title: string
  readonly body: string
  /** Name and value, most important first; one line each. */
  readonly facts: readonly (readonly [string, string])[]
  readonly because: readonly string[]
  readonly runbook: readonly { readonly title: string; readonly sql: string }[]
  /** An address to look into it, if it is one of the web. */
  readonly url?: string
  /** Where it is from, which message it is, and whether it was shortened. */
  readonly footer: string
}

/** A message, and the words for it. */
export interface Worded {
  readonly message: AlertMessage
  readonly words: Wording
}

/** What stands before the title, where the alert is not simply new. */
const BEFORE: Readonly<Record<MessageAction, string>> = {
  opened: '',
  updated: 'Again: ',
  acknowledged: 'Acknowledged: ',
  resolved: 'Resolved: ',
  reopened: 'Reopened: ',
  escalated: 'Nobody has acknowledged: ',
  test: 'Test: ',
}

/**
 * Puts items into words, with templates where the settings have any.
 * @throws AppError BAD_ARGUMENT for a template that is none
 */
export function wordsmith({ title, body }: TemplateSettings): (item: Item) => Worded {
  const titleOf = title === undefined ? defaultTitle : templateOf(title, 'title')
  const bodyOf = body === undefined ? ({ summary }: AlertMessage) => printableLines(summary) : templateOf(body, 'body')
  return (item) => {
    const message = messageOfItem(item)
    const url = webAddress(message.url)
    const words = {
      title: titleOf(message) || defaultTitle(message),
      body: bodyOf(message),
      facts: factsOf(message),
      because: message.because.map(printable),
      runbook: message.runbook.map(({ title, sql }) => ({ title: printable(title), sql: printableLines(sql) })),
      footer: footerOf(item),
      ...(url === undefined ? {} : { url }),
    }
    return { message, words }
  }
}

const defaultTitle = ({ action, level, title }: AlertMessage): string =>
  printable(`${BEFORE[action] ?? ''}[${level}] ${title}`)

function factsOf(message: AlertMessage): (readonly [string, string])[] {
  const { entity, firstTime, lastTime, events } = message
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Severity', message.level],
    ['Status', message.status],
    [entity?.field ?? '', entity?.value],
    ['Rule', message.rule.title],
    ['Threat', message.threat],
    ['Events', events === 0 ? undefined : String(events)],
    ['First', firstTime],
    ['Last', lastTime === firstTime ? undefined : lastTime],
    ['Assignee', message.assignee],
    ['Note', message.note],
    ['Tags', message.tags.length === 0 ? undefined : message.tags.join(', ')],
    ['Alert', message.alertId],
  ]
  return facts.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[printable(name), printable(value)] as const],
  )
}

function footerOf({ id, text }: Item): string {
  const [, bytes] = new RegExp(`"${MARK}":(\\d+)`).exec(text) ?? []
  const shortened = bytes === undefined ? '' : `, shortened from ${Number(bytes).toLocaleString('en-US')} bytes`
  return `Bricktrail, message ${printable(id)}${shortened}`
}

/** Only addresses of the web become links. */
function webAddress(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined
  const { protocol, href } = new URL(url)
  return protocol === 'https:' || protocol === 'http:' ? href : undefined
}

/** The beginning of a text, so many UTF-16 units at most; `…` at its end says that there was more. */
export function clipped(text: string, units: number): string {
  if (text.length <= units) return text
  const end = units - 1
  const isHalf = (text.charCodeAt(end - 1) & 0xfc00) === 0xd800
  return `${text.slice(0, isHalf ? end - 1 : end)}…`
}

/** The first lines of a list; a last one says how many more there were. */
export function firstOf<T>(list: readonly T[], most: number, more: (count: number) => T): readonly T[] {
  return list.length <= most ? list : [...list.slice(0, most - 1), more(list.length - most + 1)]
}
