/** Loads the rule pack: the shipped rules and a site's own, as they are in force. */
import { AppError, messageOf } from '../../core/errors.ts'
import type { Problem } from '../../core/yaml/place.ts'
import { readEnvironments } from '../segment/environments.ts'
import { SEGMENT_RULE, segmentRule } from '../segment/segment.ts'
import { assembled } from './assemble.ts'
import type { PackRule, RulePack } from './pack.ts'
import { readPipelines } from './pipeline/pipeline.ts'
import { readRuleFile } from './rule-file.ts'
import { type RuleText, ruleFilesIn, SHIPPED_RULES, textsOf } from './rule-folders.ts'
import { DEFAULT_SETTINGS, type DetectSettings, readSettings } from './settings.ts'
import { PassedOver, readWatchlists } from './watchlists.ts'

/** Which rules to load. */
export interface PackOptions {
  /** A site's settings; a file that is not there changes nothing. */
  readonly settingsFile?: string
  /** Folders or files of rules besides those that the settings name. */
  readonly folders?: readonly string[]
  /** Pipelines besides those that the settings name; they are run over the rules of a site. */
  readonly pipelines?: readonly string[]
  /** False: none of the shipped rules, whatever the settings say. */
  readonly shipped?: boolean
  /** Product of the log source that the events are of, such as `databricks`; absent: rules about any logs. */
  readonly product?: string
  /** False leaves examples unread, which takes most of the time; their lists are empty then. */
  readonly examples?: boolean
}

/**
 * Loads the pack. A broken rule or list is a problem of the pack and stops no other.
 * @throws AppError BAD_HOME for settings that cannot be used, NO_SOURCE for a folder of the options that is not there
 */
export async function loadPack(options: PackOptions = {}): Promise<RulePack> {
  const settings = options.settingsFile === undefined ? DEFAULT_SETTINGS : await readSettings(options.settingsFile)
  const watchlists = await readWatchlists(settings.watchlists)
  const more = (options.pipelines ?? []).map((text) => ({ text, place: { file: text, line: 1, column: 1 } }))
  const { pipelines, problems: ofPipelines } = await readPipelines([...settings.pipelines, ...more])
  const problems: Problem[] = [...watchlists.problems, ...ofPipelines]
  const texts = await ruleTexts(options, settings, problems)
  const passed = new PassedOver(watchlists)
  const files = texts.map(({ text, file, isShipped }) =>
    readRuleFile(text, file, {
      isShipped,
      overrides: settings.overrides,
      watchlists: watchlists.lists,
      passOver: passed.passOver,
      pipelines,
      examples: options.examples ?? true,
    }),
  )
  const made = crossingRule(settings, options.settingsFile)
  problems.push(...passed.problems)
  return assembled({ files, made, settings, problems, product: options.product })
}

/** The rule of declared environments, which no file has, as the settings have it. */
function crossingRule({ environments, overrides }: DetectSettings, file: string | undefined): readonly PackRule[] {
  const declared = readEnvironments(environments)
  if (declared.length === 0) return []
  const level = overrides.filter(({ name }) => name === SEGMENT_RULE).at(-1)?.level
  return [{ ...segmentRule(declared, file), ...(level === undefined ? {} : { level }) }]
}

interface PackText extends RuleText {
  readonly isShipped: boolean
}

/** The texts of all rule files, each once, the shipped first. */
async function ruleTexts(options: PackOptions, settings: DetectSettings, problems: Problem[]): Promise<PackText[]> {
  const shipped = (options.shipped ?? true) && settings.shipped ? await ruleFilesIn(SHIPPED_RULES) : []
  const own: string[] = []
  for (const { text, place } of settings.folders) {
    try {
      own.push(...(await ruleFilesIn(text)))
    } catch (cause) {
      problems.push({ severity: 'error', message: whyUnread(text, cause), hint: 'Check the path.', place })
    }
  }
  for (const path of options.folders ?? []) {
    own.push(
      ...(await ruleFilesIn(path).catch((cause: unknown) => {
        throw new AppError('NO_SOURCE', whyUnread(path, cause), { where: path, hint: 'Name a folder of rules.', cause })
      })),
    )
  }
  const failed = (file: string, cause: unknown): void => {
    const place = { file, line: 1, column: 1 }
    problems.push({ severity: 'error', message: whyUnread(file, cause), hint: 'Check its permissions.', place })
  }
  const known = new Set(shipped)
  const texts = await textsOf([...new Set([...shipped, ...own])], failed)
  return texts.map((each) => ({ ...each, isShipped: known.has(each.file) }))
}

const whyUnread = (path: string, cause: unknown): string =>
  `${path} cannot be read: ${cause instanceof Error && 'code' in cause ? String(cause.code) : messageOf(cause)}.`
