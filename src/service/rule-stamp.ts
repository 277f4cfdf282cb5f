/** Whether what a home detects by is still what was loaded. */
import { stat } from 'node:fs/promises'
import type { Home } from '../core/home.ts'
import { ruleFilesIn } from '../detect/pack/rule-folders.ts'
import { type DetectSettings, readSettings } from '../detect/pack/settings.ts'

/**
 * A text that is another once the settings of a home, or files they name, are others. Settings that cannot be used have one too: the loading tells
 * what is wrong with them.
 */
export async function ruleStamp(home: Pick<Home, 'detectSettings'>): Promise<string> {
  const own = await stampOf(home.detectSettings)
  const settings = own === '' ? undefined : await readSettings(home.detectSettings).catch(() => undefined)
  return [own, ...(settings === undefined ? [] : await Promise.all((await filesOf(settings)).map(stampOf)))].join('\n')
}

async function filesOf({ folders, pipelines, watchlists }: DetectSettings): Promise<string[]> {
  const rules = await Promise.all(folders.map(({ text }) => ruleFilesIn(text).catch(() => [])))
  const lists = watchlists.flatMap(({ file }) => (file === undefined ? [] : [file]))
  return [...rules.flat(), ...pipelines.map(({ text }) => text), ...lists]
}

/** Path, time and size; empty where there is no such file. */
async function stampOf(path: string): Promise<string> {
  const info = await stat(path).catch(() => undefined)
  return info === undefined ? '' : `${path} ${info.mtimeMs} ${info.size}`
}
