/** What axe finds wrong with a page as it is now. */
import axeCore from 'axe-core'
import type { Page } from 'playwright-core'

/** WCAG 2.2 at level AA, and what is good anyway. */
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** What another theme can change: its colours. All the rest is the same in both. */
const OF_COLOR = ['color-contrast', 'link-in-text-block']

/** Broken rules with the first places of each: all of them, or only those that a theme can break. */
export async function wrongOf(page: Page, which: 'all' | 'colors' = 'all'): Promise<string[]> {
  // Through the debugger: the page itself lets no foreign script in.
  if (!(await page.evaluate<boolean>(`'axe' in window`))) {
    const session = await page.context().newCDPSession(page)
    await session.send('Runtime.evaluate', { expression: axeCore.source })
    await session.detach()
  }
  const runOnly = which === 'all' ? TAGS : { type: 'rule', values: OF_COLOR }
  const { violations } = await page.evaluate<axeCore.AxeResults>(
    `axe.run(document, { resultTypes: ['violations'], runOnly: ${JSON.stringify(runOnly)} })`,
  )
  return violations.flatMap(({ id, nodes }) =>
    nodes
      .slice(0, 3)
      .map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)}: ${(failureSummary ?? '').slice(0, 300)}`),
  )
}
