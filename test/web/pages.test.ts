/**
 * Every page, in both themes: readable by everybody as far as axe can tell, no wider than a telephone, and its picture for the docs
 * (`UPDATE_DOCS=1` writes those).
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { AlertPage } from '../../src/serve/shapes/alerts.ts'
import type { EntityRow } from '../../src/serve/shapes/entities.ts'
import type { RuleList } from '../../src/serve/shapes/rules.ts'
import { ROOT } from '../source-files.ts'
import { wrongOf } from './axe.fixture.ts'
import { lead, openSite, type Site } from './site.fixture.ts'
import { smallPng } from './small-png.ts'

const IMAGES = join(ROOT, 'docs', 'images')

const SCHEMES = ['light', 'dark'] as const

const WIDE = { width: 1280, height: 800 }
const NARROW = { width: 390, height: 844 }
const NARROW_PICTURES: readonly string[] = ['overview', 'explorer', 'event']

/** A page, and when it is there. */
interface Shown {
  readonly name: string
  readonly path: string
  /** What must be seen before it is looked at. */
  readonly ready: (page: Page) => Promise<unknown>
}

let site: Site
let shown: readonly Shown[]
beforeAll(async () => {
  site = await openSite()
  shown = await pagesOf(site)
})
afterEach(() => site.leave())
afterAll(() => site.close())

/** The pages; those of an alert, a rule or an entity are of the first there is. */
async function pagesOf({ api }: Site): Promise<Shown[]> {
  const { entities } = await api<{ entities: EntityRow[] }>('/entities?kind=actor&q=@&limit=5')
  const { alerts } = await api<AlertPage>('/alerts?kind=incident&which=all&limit=1')
  const { rules } = await api<RuleList>('/rules')
  const actor = entities.find(({ type }) => type === 'user')?.id ?? entities[0]?.id ?? ''
  const rule = rules.find(({ findings }) => findings > 0)?.id ?? rules[0]?.id ?? ''
  const heading = (name: string) => (page: Page) => page.getByRole('heading', { name, exact: true }).first().waitFor()
  const event = (page: Page) => page.getByRole('complementary', { name: 'Event' }).getByText('Outcome').waitFor()
  const rows = (page: Page) => page.locator('.events-body .event-row').first().waitFor()
  return [
    { name: 'overview', path: '/', ready: (page) => page.getByText('Open alerts').waitFor() },
    { name: 'explorer', path: '/events?q=-service:bricktrail&by=category', ready: rows },
    {
      name: 'event',
      path: '/events?q=category:permission',
      ready: async (page) => {
        await rows(page)
        await page.locator('.events-body .event-row').nth(2).click()
        await event(page)
      },
    },
    {
      name: 'sql',
      path: '/sql',
      ready: async (page) => {
        await page.getByRole('button', { name: 'Run' }).click()
        await page.getByRole('region', { name: 'Rows', exact: true }).waitFor()
      },
    },
    { name: 'alerts', path: '/alerts', ready: (page) => page.getByRole('list', { name: 'Queue' }).waitFor() },
    { name: 'incident', path: `/incidents?id=${alerts[0]?.id ?? ''}`, ready: heading('Timeline') },
    { name: 'entity', path: `/entities/actor/${encodeURIComponent(actor)}`, ready: heading('Habits') },
    { name: 'rules', path: '/rules', ready: heading('Rules') },
    { name: 'rule', path: `/rules/${rule}`, ready: heading('Backtest') },
    { name: 'integrity', path: '/integrity', ready: heading('Integrity') },
    { name: 'operations', path: '/operations', ready: heading('Operations') },
    { name: 'access', path: '/admin', ready: heading('Access') },
    { name: 'account', path: '/account', ready: heading('Your sessions') },
  ]
}

/** Opens a page and waits until nothing of it is on its way. */
async function settle(page: Page, { path, ready }: Shown): Promise<void> {
  await lead(page, path)
  await page.locator('.dated').first().waitFor({ state: 'detached' })
  await ready(page)
  if (['/', '/events'].includes(path.replace(/\?.*/, ''))) await page.locator('canvas').first().waitFor()
  await page
    .locator('[role="status"][aria-label="Loading"], .mantine-Skeleton-root')
    .first()
    .waitFor({ state: 'detached' })
}

async function picture(page: Page, name: string): Promise<void> {
  if (process.env.UPDATE_DOCS !== '1') return
  mkdirSync(IMAGES, { recursive: true })
  writeFileSync(join(IMAGES, `${name}.png`), smallPng(await page.screenshot({ animations: 'disabled', caret: 'hide' })))
}

describe.each(SCHEMES)('in the %s theme', (scheme) => {
  const rules = scheme === 'light' ? 'all' : 'colors'
  it('every page can be read and used by everybody, as far as axe can tell, and none is wider than a telephone', async () => {
    const page = await site.signedIn({ scheme })
    await page.goto('/')
    await page.getByRole('navigation', { name: 'Pages' }).waitFor()
    const wrong: string[] = []
    for (const each of shown) {
      await settle(page, each)
      await picture(page, `${each.name}-${scheme}`)
      wrong.push(...(await wrongOf(page, rules)).map((text) => `${each.name}: ${text}`))
      await page.setViewportSize(NARROW)
      if (NARROW_PICTURES.includes(each.name)) await picture(page, `${each.name}-narrow-${scheme}`)
      await expect
        .poll(() => page.evaluate<number>('document.documentElement.scrollWidth'), { message: each.name })
        .toBeLessThanOrEqual(NARROW.width)
      await page.setViewportSize(WIDE)
    }
    expect(wrong).toEqual([])
  }, 120_000)

  it('so can the sign-in page', async () => {
    const page = await site.stranger({ scheme })
    await page.goto('/')
    await page.getByLabel('Token', { exact: true }).waitFor()
    await picture(page, `sign-in-${scheme}`)
    expect(await wrongOf(page, rules)).toEqual([])
  })
})

it('nothing complained on the way', () => {
  expect(site.complaints).toEqual([])
})
