import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { destinationsPage } from './reference.fixture.ts'
import { deliverSettingsOf } from './settings.ts'

describe('the pages on destinations', () => {
  // Run with `--update` behind the path to write the page anew.
  it('list what the program has', async () => {
    await expect(destinationsPage()).toMatchFileSnapshot('../../docs/reference/destinations.md')
  })

  it('show settings that are good', () => {
    const page = readFileSync(new URL('../../docs/how-to/deliver.md', import.meta.url), 'utf8')
    const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
    const names = blocks.flatMap((block) =>
      deliverSettingsOf(block, 'deliver.md').destinations.map(({ kind }) => kind.kind),
    )
    expect(names).toEqual(
      expect.arrayContaining(['slack', 'teams', 'pagerduty', 'jsm', 'jira', 'email', 'alertmanager', 'syslog']),
    )
  })
})
