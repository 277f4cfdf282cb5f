/** Text of events: whoever made a request chose it, so what would hide, move or recolour it is made visible. */
import { Fragment, type ReactNode } from 'react'

/** Controls, overrides of direction, joiners, invisible signs and lone halves of pairs. */
const UNSEEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\uffff]|[\u{e0000}-\u{e0fff}]|\p{Surrogate}/gu

const NAMES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u001b': '\\x1b' }

function escapeOf(sign: string): string {
  const named = NAMES[sign]
  if (named !== undefined) return named
  const code = sign.codePointAt(0) ?? 0
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`
}

/** The text with unseen characters as escapes, for places that take text only. Line breaks stay where asked for. */
export const visibleText = (text: string, keepLines = false): string =>
  text.replaceAll(UNSEEN, (sign) => (keepLines && sign === '\n' ? sign : escapeOf(sign)))

/** The text with unseen characters as marked escapes. */
export function Plain({ text, keepLines = false }: { readonly text: string; readonly keepLines?: boolean }) {
  const parts: ReactNode[] = []
  let at = 0
  for (const match of text.matchAll(UNSEEN)) {
    if (keepLines && match[0] === '\n') continue
    if (match.index > at) parts.push(<Fragment key={at}>{text.slice(at, match.index)}</Fragment>)
    parts.push(
      <span key={`u${match.index}`} className="unseen">
        {escapeOf(match[0])}
      </span>,
    )
    at = match.index + match[0].length
  }
  if (parts.length === 0) return <bdi>{text}</bdi>
  if (at < text.length) parts.push(<Fragment key={at}>{text.slice(at)}</Fragment>)
  return <bdi>{parts}</bdi>
}

/** What to do about something: what stands between backticks is to be typed as it is. */
export function Hint({ text }: { readonly text: string }) {
  return text.split('`').map((part, at) =>
    at % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts are their places
      <code key={at}>
        <Plain text={part} />
      </code>
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts are their places
      <Plain key={at} text={part} />
    ),
  )
}
