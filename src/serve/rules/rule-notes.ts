/** Who set something of a rule, when and why: the comments that changes leave in `detect.yaml`. */
import { readFile } from 'node:fs/promises'
import { isMap, isScalar, isSeq, type Node, type Pair, parseDocument, visit } from 'yaml'
import type { BookRule } from './book.ts'

/** A change of a rule. */
export interface RuleNote {
  readonly day: string
  readonly who: string
  readonly why: string
}

/** As `rule-overrides.ts` writes them. */
const NOTE = /^\s*(\d{4}-\d{2}-\d{2}) (.*?): (.*)$/

/** The notes about a rule, the oldest first. None where there are no settings, or none that can be read. */
export async function notesOfRule(settingsFile: string, rule: Pick<BookRule, 'names'>): Promise<RuleNote[]> {
  return notesIn(await readFile(settingsFile, 'utf8').catch(() => ''), rule)
}

/** As {@link notesOfRule}, of the text of settings. */
export function notesIn(text: string, { names }: Pick<BookRule, 'names'>): RuleNote[] {
  const document = parseDocument(text)
  if (document.errors.length > 0 || !isMap(document.contents)) return []
  const isOwn = (node: unknown): boolean => names.includes(String(isScalar(node) ? node.value : node))
  const [overrides, disabled] = [document.get('overrides'), document.get('disabled')]
  const lines = new Set<string>()
  for (const pair of isMap(overrides) ? overrides.items : [])
    if (isOwn(pair.key)) for (const line of commentsIn(pair)) lines.add(line)
  for (const item of isSeq(disabled) ? disabled.items : [])
    if (isOwn(item)) for (const line of commentsIn(item as Node)) lines.add(line)
  return [...lines]
    .flatMap((line) => {
      const [, day, who, why] = NOTE.exec(line) ?? []
      return day === undefined || who === undefined || why === undefined ? [] : [{ day, who, why }]
    })
    .sort((a, b) => (a.day < b.day ? -1 : a.day > b.day ? 1 : 0))
}

function commentsIn(at: Pair | Node): string[] {
  const found: string[] = []
  const take = ({ commentBefore, comment }: { commentBefore?: string | null; comment?: string | null }) =>
    found.push(...[commentBefore, comment].flatMap((text) => text?.split('\n') ?? []))
  visit(at as Node, { Node: (_, node) => void take(node as Node) })
  return found
}
