/** Secrets that a destination was opened with stay out of what it says afterwards: services like to quote what they were sent. */
import { messageOf } from '../core/errors.ts'
import type { Outcome, Sink, SinkKind } from './contract.ts'

/** What stands in place of a secret. */
const HIDDEN = '(secret)'

/** Pieces shorter than this are too common to be hidden. */
const SHORTEST = 5

/** The same kind; its destinations say nothing of the secrets they looked up. */
export const hushed = <Settings>(kind: SinkKind<Settings>): SinkKind<Settings> => ({
  ...kind,
  open: async (settings, context) => {
    const pieces = new Set<string>()
    const secret = (reference: string) => {
      const value = context.secret(reference)
      for (const piece of spellings(value)) if (piece.length >= SHORTEST) pieces.add(piece)
      return value
    }
    const sink = await kind.open(settings, { ...context, secret })
    return hushedSink(sink, (text) => without(text, pieces))
  },
})

function hushedSink(sink: Sink, clean: (text: string) => string): Sink {
  const send: Sink['send'] = async (batch, signal) => {
    try {
      return cleanOutcome(await sink.send(batch, signal), clean)
    } catch (cause) {
      throw new Error(clean(messageOf(cause)))
    }
  }
  return { limits: sink.limits, send, close: async () => sink.close?.() }
}

function cleanOutcome(outcome: Outcome, clean: (text: string) => string): Outcome {
  if (outcome.kind === 'delivered') return outcome
  if (outcome.kind !== 'partly') return { ...outcome, reason: clean(outcome.reason) }
  return { ...outcome, refused: outcome.refused.map((each) => ({ ...each, reason: clean(each.reason) })) }
}

/** How a secret may be quoted: as it is, in a URL, in JSON, on one line, in base64 wherever it stands there; of an address, its parts too. */
function spellings(secret: string): readonly string[] {
  const parts = /^https?:\/\//i.test(secret) && URL.canParse(secret) ? partsOf(new URL(secret)) : []
  return [secret, ...parts].flatMap((part) => [
    part,
    part.replace(/\s+/g, ' '),
    encodeURIComponent(part),
    JSON.stringify(part).slice(1, -1),
    ...[0, 1, 2].map((offset) => base64At(part, offset)),
  ])
}

const partsOf = ({ href, pathname, search, searchParams }: URL): readonly string[] => [
  href,
  `${pathname}${search}`,
  ...(pathname.length > SHORTEST ? [pathname] : []),
  ...[...searchParams.values()].filter((value) => value.length > 10),
]

/** Base64 of the secret after so many other bytes, without the characters that those share. */
function base64At(secret: string, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)])
    .toString('base64')
    .replace(/=+$/, '')
  return text.slice(offset === 0 ? 0 : offset + 1, -1)
}

function without(text: string, pieces: ReadonlySet<string>): string {
  const longestFirst = [...pieces].sort((a, b) => b.length - a.length)
  const clean = longestFirst.reduce((rest, piece) => rest.replaceAll(piece, HIDDEN), text)
  // An answer is quoted in part; its end may be the beginning of a secret.
  for (const piece of longestFirst)
    for (let length = Math.min(piece.length - 1, clean.length); length >= SHORTEST; length--)
      if (clean.endsWith(piece.slice(0, length))) return `${clean.slice(0, -length)}${HIDDEN}`
  return clean
}
