/** The page about the settings: its examples are settings, and every setting has one. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { checkedSettings, DEFAULT_SETTINGS } from './settings.ts'

const page = readFileSync(new URL('../../docs/how-to/seal-settings.md', import.meta.url), 'utf8')
const examples = [
  ...page.matchAll(/^```json\n([\s\S]*?)^```$/gm),
  ...page.matchAll(/echo '(\{.*\})' > \S+settings\.json/g),
].map(([, text]) => JSON.parse(text ?? '') as Record<string, unknown>)

it('every example is taken as it is written', () => {
  for (const example of examples)
    expect(checkedSettings(example, 'settings.json')).toEqual({ ...DEFAULT_SETTINGS, ...example })
})

it('every setting has an example that is not its default, every kind of copy too', () => {
  const shown = new Map(examples.flatMap((example) => Object.entries(example)))
  expect([...shown.keys()].sort()).toEqual(Object.keys(DEFAULT_SETTINGS).sort())
  for (const [key, value] of shown) expect(value).not.toEqual(DEFAULT_SETTINGS[key as keyof typeof DEFAULT_SETTINGS])
  expect(shown.get('copies')).toMatchObject([{ kind: 'folder' }, { kind: 's3', retainDays: 3650 }])
})
