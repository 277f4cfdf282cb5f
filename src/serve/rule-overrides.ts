/** What a site sets of a rule, written into its `detect.yaml`: comments and order of the file stay as they are. */
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Document, isMap, isNode, isScalar, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml'
import { AppError, isAppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import type { BookRule, RuleBook } from './rules/book.ts'
import { askRules, type RuleDesk } from './rules/rule-desk.ts'
import type { RuleOverride } from './shapes/rules.ts'

/** Who changes, and when. */
export interface Changing {
  readonly who: string
  readonly now: Date
}

/** The pack is read with the new settings before they are taken. */
const CHECK_TIMEOUT_MS = 60_000

/** Settings name people and networks: as `alerts.db`, they are their owner's. */
const FILE_MODE = 0o600

/** One at a time: each reads what the one before wrote. */
const queues = new WeakMap<RuleDesk, Promise<unknown>>()

/**
 * Sets something of a rule. The settings are replaced as a whole, and only if the pack can be loaded with them.
 *
 * @throws AppError NOT_FOUND; BAD_ARGUMENT with what is wrong; CONFLICT where the settings cannot be read as they are
 */
export function changeRule(
  home: Home,
  desk: RuleDesk,
  called: string,
  change: RuleOverride,
  changing: Changing,
): Promise<void> {
  const work = (queues.get(desk) ?? Promise.resolve()).then(() => changeNow(home, desk, called, change, changing))
  queues.set(
    desk,
    work.catch(() => undefined),
  )
  return work
}

async function changeNow(
  home: Home,
  desk: RuleDesk,
  called: string,
  change: RuleOverride,
  { who, now }: Changing,
): Promise<void> {
  const rule = await desk.rule(called)
  const before = await desk.book()
  // A link to a file that is kept elsewhere stays one.
  const file = existsSync(home.detectSettings) ? realpathSync(home.detectSettings) : home.detectSettings
  const old = textOf(file)
  const text = changedText(old, rule, change, commentOf(change.reason, who, now))
  if (text === old) return
  // Beside the settings: paths in them are relative.
  const draft = join(dirname(home.detectSettings), `detect.${randomUUID()}.draft.yaml`)
  try {
    await write(draft, text, existsSync(file) ? statSync(file).mode & 0o777 : FILE_MODE)
    const after = await loaded(draft)
    const [fault] = after.errors.filter((error) => !isKnown(before, error.message))
    if (fault !== undefined) throw new AppError('BAD_ARGUMENT', fault.message, { hint: fault.hint })
    if (textOf(file) !== old)
      throw new AppError('CONFLICT', 'detect.yaml was changed meanwhile.', { hint: 'Look at the rule again.' })
    await rename(draft, file)
  } finally {
    rmSync(draft, { force: true })
  }
  desk.forget()
}

const isKnown = ({ errors }: RuleBook, message: string): boolean => errors.some((error) => error.message === message)

async function loaded(settingsFile: string): Promise<RuleBook> {
  try {
    return await askRules({ what: 'book', settingsFile }, { timeoutMs: CHECK_TIMEOUT_MS })
  } catch (cause) {
    if (!isAppError(cause) || cause.code !== 'BAD_HOME') throw cause
    // The draft's place says nothing to who asked.
    throw new AppError('BAD_ARGUMENT', cause.message.replace(/^.*?:\d+:\d+: /s, ''), { hint: cause.hint })
  }
}

const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '')

async function write(file: string, text: string, mode: number): Promise<void> {
  const handle = await open(file, 'wx', mode)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** One line: a reason is words of a person, and a line break in it would end the comment. */
const commentOf = (reason: string, who: string, now: Date): string =>
  ` ${now.toISOString().slice(0, 10)} ${oneLine(who)}: ${oneLine(reason)}`

const oneLine = (text: string): string => text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim()

/** The text of the settings with the change in it. @throws AppError CONFLICT for a text that is no map of YAML */
export function changedText(text: string, rule: BookRule, change: RuleOverride, comment: string): string {
  const document = parseDocument(text)
  if (document.errors.length > 0 || (document.contents !== null && !isMap(document.contents))) throw unreadable()
  if (document.contents === null) document.contents = document.createNode({}) as unknown as typeof document.contents
  const settings = document as Document.Parsed
  if (change.enabled !== undefined) enable(settings, rule, change.enabled, comment)
  if (change.level !== undefined || change.parameters !== undefined) override(settings, rule, change, comment)
  return document.toString({ lineWidth: 0 })
}

const unreadable = (): AppError =>
  new AppError('CONFLICT', 'detect.yaml is written in a way that only a person should change.', {
    hint: 'Change it by hand; `bricktrail rules lint` tells what is wrong.',
  })

function enable(document: Document, { names, settingsName }: BookRule, enabled: boolean, comment: string): void {
  const list = document.get('disabled')
  const seq = isSeq(list) ? list : asList(document, list)
  const isOwn = (item: unknown) => names.includes(String(isScalar(item) ? item.value : item))
  if (enabled) {
    seq.items = seq.items.filter((item) => !isOwn(item))
    if (seq.items.length === 0) document.delete('disabled')
    return
  }
  if (seq.items.some(isOwn)) return
  const node = document.createNode(settingsName)
  node.comment = comment
  // A comment needs a line of its own.
  seq.flow = false
  seq.add(node)
}

/** `disabled` may be one name instead of a list. */
function asList(document: Document, given: unknown): YAMLSeq {
  if (isNode(given) && !isScalar(given)) throw unreadable()
  const made = document.createNode(given === undefined || given === null ? [] : [given]) as YAMLSeq
  document.set('disabled', made)
  return made
}

function override(document: Document, rule: BookRule, { level, parameters }: RuleOverride, comment: string): void {
  const overrides = mapAt(document, document, 'overrides')
  const key = rule.names.find((name) => overrides.has(name)) ?? rule.settingsName
  const own = mapAt(document, overrides, key)
  own.commentBefore = [own.commentBefore, comment].filter((each) => each != null && each !== '').join('\n')
  if (level === null) own.delete('level')
  else if (level !== undefined) own.set('level', level)
  if (parameters !== undefined) {
    const set = mapAt(document, own, 'parameters')
    for (const [name, value] of Object.entries(parameters)) {
      if (value === null) set.delete(name)
      else set.set(name, document.createNode(value))
    }
    if (set.items.length === 0) own.delete('parameters')
  }
  if (own.items.length > 0) return
  overrides.delete(key)
  if (overrides.items.length === 0) document.delete('overrides')
}

interface Holder {
  get(key: string): unknown
  set(key: string, value: unknown): void
}

/** The map at a key, in block style so that comments have room; made where there is none. */
function mapAt(document: Document, holder: Holder, key: string): YAMLMap {
  const found = holder.get(key)
  // An alias stands for something else in the file, which is not to be changed with it.
  if (found !== undefined && found !== null && !isMap(found)) throw unreadable()
  const map = isMap(found) ? found : (document.createNode({}) as YAMLMap)
  if (map !== found) holder.set(key, map)
  map.flow = false
  return map
}
