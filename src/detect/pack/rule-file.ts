/** One rule file of a pack: its documents, with a site's parameters and lists put in. */
import { basename, extname } from 'node:path'
import { readDocuments, type YamlDocument, type YamlDocuments } from '../../core/yaml/documents.ts'
import type { Problem } from '../../core/yaml/place.ts'
import type { DetectionOptions } from '../sigma/detection.ts'
import { readRule } from '../sigma/parse.ts'
import type { PassOver, Placeholders } from '../sigma/placeholders.ts'
import { type FilterRule, type Level, namesOf, type SigmaRule } from '../sigma/rule.ts'
import { isBaseline, type ReadBaseline, readBaseline } from './baseline-document.ts'
import { type DeclaredContent, readContent } from './content.ts'
import type { Parameter, RuleContent } from './pack.ts'
import { inForce, listsOf, listsUsed, withParameters } from './parameters.ts'
import { applyPipelines, type WorkedDocument } from './pipeline/apply.ts'
import type { Pipeline } from './pipeline/pipeline.ts'
import type { Override } from './settings.ts'

/** A rule of a file, before filters and what it refers to in other files. */
export interface DraftRule {
  readonly key: string
  readonly rule: Exclude<SigmaRule, FilterRule> | ReadBaseline
  readonly level: Level
  readonly feeds: boolean
  readonly content: RuleContent
  readonly file: string
  readonly isShipped: boolean
  /** Names that settings may call it by: id, name, and for rules that fire the file's. */
  readonly names: readonly string[]
}

/** A file that was read. */
export interface ReadFile {
  readonly file: string
  readonly rules: readonly DraftRule[]
  readonly filters: readonly FilterRule[]
  readonly problems: readonly Problem[]
  /** All that bears on what its rules find, as text. */
  readonly bearing: string
  /** Names of settings that are about rules of the file. */
  readonly known: readonly string[]
}

/** What a file is read with. */
export interface FileContext {
  readonly isShipped: boolean
  readonly overrides: readonly Override[]
  readonly watchlists: Placeholders
  /** Told of entries of watchlists that cannot be used where a rule puts them. */
  readonly passOver?: PassOver
  /** Run over the documents of a site. */
  readonly pipelines: readonly Pipeline[]
  /** False to leave examples unread. */
  readonly examples: boolean
}

/** Name that settings may call a file's rules by. */
export const fileName = (file: string): string => basename(file, extname(file))

/** Reads a file. A document that is broken stops no other. */
export function readRuleFile(text: string, file: string, context: FileContext): ReadFile {
  const { documents, problems } = documentsOf(text, file, context.examples)
  const read = documents.map((document) => ({ document, content: readContent(document), names: namesIn(document) }))
  const known = [...new Set([fileName(file), ...read.flatMap(({ names }) => names)])]
  const overrides = context.overrides.filter(({ name }) => known.includes(name))
  const settled = inForce(
    read.flatMap(({ content }) => content.declared),
    overrides,
    context.watchlists,
  )
  const lists = listsOf(settled.parameters, context.watchlists)
  const filledIn = read.map(({ document }) => withParameters(document, settled.parameters))
  const worked = applyPipelines(context.isShipped ? [] : context.pipelines, filledIn)
  const drafts = read.map(({ content, names }, at) => {
    const { document: filled, options } = worked[at] as WorkedDocument
    const isBroken = filled.problems.some(({ severity }) => severity === 'error')
    const rule = isBroken ? undefined : readAny(filled, { ...options, ...passingOver(context), placeholders: lists })
    const level = levelOf(filled, [...names, ...(content.feeds ? [] : [fileName(file)])], overrides)
    return { filled, content, rule, level, names }
  })
  return {
    file,
    rules: drafts.flatMap(({ rule, content, level, names }) => {
      if (rule === undefined || rule.kind === 'filter') return []
      const called = content.feeds ? names : [...names, fileName(file)]
      return [draftOf(rule, { content, level, names: called, parameters: settled.parameters, file, context })]
    }),
    filters: drafts.flatMap(({ rule }) => (rule?.kind === 'filter' ? [rule] : [])),
    problems: [...problems, ...documents.flatMap((document) => document.problems), ...settled.problems],
    bearing: [
      bearingOf(drafts, lists),
      ...(context.isShipped ? [] : context.pipelines).map(({ digest }) => digest),
    ].join(),
    known,
  }
}

const passingOver = ({ passOver }: FileContext): Pick<DetectionOptions, 'passOver'> =>
  passOver === undefined ? {} : { passOver }

/** A `bricktrail` block in lines of its own. */
const BLOCK = /^bricktrail:[ \t]*\r?\n(?:(?: {2}.*|[ \t]*(?:#.*)?)\r?\n)*(?: {2}.*)?/gm

/** Most of a rule file are its examples, and only who tests rules needs them. No other key of the block has lines at its margin. */
const EXAMPLES = /^ {2}examples:[ \t]*\r?\n(?:(?: {3}.*|[ \t]*(?:#.*)?)\r?\n)*(?: {3}.*)?/gm

const blank = (cut: string): string => '\n'.repeat(cut.split('\n').length - 1)

function documentsOf(text: string, file: string, examples: boolean): YamlDocuments {
  if (examples) return readDocuments(text, file)
  const read = readDocuments(
    text.replaceAll(BLOCK, (block) => block.replaceAll(EXAMPLES, blank)),
    file,
  )
  // What is left may lean on what was taken out, as aliases do.
  return read.problems.length > 0 ? readDocuments(text, file) : read
}

/** A rule with neither goes by its title. */
function namesIn({ value }: YamlDocument): string[] {
  const names = [value.id, value.name].filter((name) => typeof name === 'string')
  return names.length > 0 || value.title === undefined ? names : [String(value.title)]
}

const readAny = (document: YamlDocument, options: DetectionOptions) =>
  isBaseline(document) ? readBaseline(document, options) : readRule(document, options)

function levelOf({ value }: YamlDocument, names: readonly string[], overrides: readonly Override[]): Level {
  const given = overrides.filter(({ name, level }) => level !== undefined && names.includes(name)).at(-1)?.level
  return given ?? (value.level as Level | undefined) ?? 'medium'
}

interface DraftParts {
  readonly content: DeclaredContent
  readonly level: Level
  readonly names: readonly string[]
  readonly parameters: readonly Parameter[]
  readonly file: string
  readonly context: FileContext
}

function draftOf(rule: DraftRule['rule'], parts: DraftParts): DraftRule {
  const { feeds, declared, ...content } = parts.content
  const names = declared.map(({ name }) => name)
  return {
    key: namesOf(rule)[0] ?? rule.meta.title,
    rule,
    level: parts.level,
    feeds,
    content: { ...content, parameters: parts.parameters.filter(({ name }) => names.includes(name)) },
    file: parts.file,
    isShipped: parts.context.isShipped,
    names: parts.names,
  }
}

const BEARING = [
  'title',
  'id',
  'name',
  'tags',
  'logsource',
  'detection',
  'correlation',
  'baseline',
  'filter',
  'generate',
]

/** What a change of makes other findings, or others tell of them; words for people and examples are not. */
function bearingOf(
  drafts: readonly { readonly filled: YamlDocument; readonly content: DeclaredContent; readonly level: Level }[],
  lists: Placeholders,
): string {
  const documents = drafts.map(({ filled: { value }, content, level }) => ({
    ...Object.fromEntries(BEARING.map((key) => [key, value[key]])),
    level,
    ...{ feeds: content.feeds, threat: content.threat, entity: content.entity },
  }))
  const used = drafts.flatMap(({ filled: { value } }) => [
    ...listsUsed(value.detection),
    ...listsUsed(value.baseline),
    ...listsUsed(value.filter),
  ])
  const put = Object.fromEntries(used.map((name) => [name, lists[name]]))
  return JSON.stringify([documents, put], (_, value) => (typeof value === 'bigint' ? String(value) : value))
}
