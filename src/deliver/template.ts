/** Words of one's own: `{{field}}` in a title or body stands for a field of the message. Nothing of what a field holds is a template again. */
import { AppError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import { printable, printableLines } from '../core/printable.ts'
import type { AlertMessage } from './message.ts'

/** What a template makes of a message. */
export type Template = (message: AlertMessage) => string

/** Fields a template may name. Lists are joined; what a message does not have is empty. */
const FIELDS: Readonly<Record<string, (message: AlertMessage) => string | number | undefined>> = {
  action: ({ action }) => action,
  alertId: ({ alertId }) => alertId,
  dedupKey: ({ dedupKey }) => dedupKey,
  title: ({ title }) => title,
  summary: ({ summary }) => summary,
  level: ({ level }) => level,
  status: ({ status }) => status,
  'rule.id': ({ rule }) => rule.id,
  'rule.title': ({ rule }) => rule.title,
  'entity.field': ({ entity }) => entity?.field,
  'entity.value': ({ entity }) => entity?.value,
  threat: ({ threat }) => threat,
  tags: ({ tags }) => tags.join(', '),
  firstTime: ({ firstTime }) => firstTime,
  lastTime: ({ lastTime }) => lastTime,
  sentTime: ({ sentTime }) => sentTime,
  events: ({ events }) => events,
  findings: ({ findings }) => findings.join(', '),
  assignee: ({ assignee }) => assignee,
  note: ({ note }) => note,
  because: ({ because }) => because.join('\n'),
  url: ({ url }) => url,
}

/** Names a template may use, for the reference. */
export const TEMPLATE_FIELDS: readonly string[] = Object.keys(FIELDS)

/** Settings of words of one's own, as every destination for people has them. */
export interface TemplateSettings {
  readonly title?: string
  readonly body?: string
}

/** JSON Schema of {@link TemplateSettings}. */
export const TEMPLATE_PROPERTIES = {
  title: { type: 'string', minLength: 1, description: 'Title in words of your own, with `{{field}}` of the message.' },
  body: { type: 'string', minLength: 1, description: 'Text in words of your own, with `{{field}}` of the message.' },
} as const

/**
 * Reads a template. Titles are one line.
 * @throws AppError BAD_ARGUMENT for a field that is none, and braces that do not match
 */
export function templateOf(text: string, key: 'title' | 'body'): Template {
  const parts = text.split(/\{\{\s*([^{}]*?)\s*\}\}/)
  const literals = parts.filter((_, at) => at % 2 === 0)
  if (literals.some((literal) => /\{\{|\}\}/.test(literal))) {
    throw new AppError('BAD_ARGUMENT', `The braces in ${key} do not match.`, {
      hint: 'Write {{field}}, such as {{title}}.',
    })
  }
  for (const name of parts.filter((_, at) => at % 2 === 1)) {
    if (Object.hasOwn(FIELDS, name)) continue
    const [near] = nearest(name, TEMPLATE_FIELDS)
    throw new AppError('BAD_ARGUMENT', `${key} names the field ${printable(name)}, which messages do not have.`, {
      hint: near === undefined ? `Fields: ${TEMPLATE_FIELDS.join(', ')}.` : `Did you mean {{${near}}}?`,
    })
  }
  const clean = key === 'title' ? printable : printableLines
  return (message) => {
    const words = parts.map((part, at) => (at % 2 === 0 ? part : clean(String(FIELDS[part]?.(message) ?? ''))))
    return key === 'title' ? words.join('').replace(/\s+/g, ' ').trim() : words.join('')
  }
}
