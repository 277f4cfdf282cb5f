/** Rules: which there are and how they do, what they cover, what a site sets of them, and what one would have found. */
import { createRoute, z } from '@hono/zod-openapi'
import { parseRange } from '../../ask/times.ts'
import { AppError } from '../../core/errors.ts'
import { masked } from '../alerting/text-mask.ts'
import { newRoutes } from '../app.ts'
import type { Principal, RouteGroup } from '../contract.ts'
import { isLimitedByLists } from '../read/visible.ts'
import { answer, behind, body, idParam, REFUSED, REFUSED_OR_CONFLICT } from '../routing.ts'
import { changeRule } from '../rule-overrides.ts'
import { BACKTEST_SECONDS, backtested } from '../rules/backtests.ts'
import { ruleDeskOf } from '../rules/rule-desk.ts'
import { notesOfRule } from '../rules/rule-notes.ts'
import { ruleDetail, ruleRow } from '../rules/rule-rows.ts'
import { daysOfRule, noiseOfRules, type UseAsking, useOfRules } from '../rules/rule-use.ts'
import { Backtest, BacktestRequest, Coverage, RuleDetail, RuleList, RuleOverride } from '../shapes/rules.ts'
import { COVERAGE, RULE, RULE_ROW } from './examples/rules.ts'

const USUAL_DAYS = 30
const MOST_DAYS = 730
const DAY_MS = 86_400_000

const days = z.coerce
  .number()
  .int()
  .min(1)
  .max(MOST_DAYS)
  .default(USUAL_DAYS)
  .openapi({ description: 'Findings of so many days are counted.' })

const idOfRule = idParam('Id of a rule, its name, or the name of its file.', RULE_ROW.id)

/** The first who asks for rules should not wait for them; and whoever waits for the server to be ready goes first. */
const WARM_AFTER_MS = 5000

/** Reading the pack with new settings takes seconds, longer where others work. */
const CHANGE_SECONDS = 90

const list = createRoute({
  method: 'get',
  path: '/api/v1/rules',
  tags: ['Rules'],
  summary: 'List rules that make findings, those that are off too',
  ...behind('rules:read', 'searchRules'),
  request: { query: z.object({ days }) },
  responses: { ...REFUSED, 200: answer('All rules.', RuleList, { rules: [RULE_ROW], days: USUAL_DAYS }) },
})

const coverage = createRoute({
  method: 'get',
  path: '/api/v1/rules/coverage',
  tags: ['Rules'],
  summary: 'Show which techniques of ATT&CK and which actions rules look for, and which fired',
  ...behind('rules:read', 'getCoverage'),
  request: { query: z.object({ days }) },
  responses: { ...REFUSED, 200: answer('Coverage.', Coverage, COVERAGE) },
})

const one = createRoute({
  method: 'get',
  path: '/api/v1/rules/{id}',
  tags: ['Rules'],
  summary: 'Show a rule, its parameters and how it does',
  ...behind('rules:read', 'getRule'),
  request: { ...idOfRule, query: z.object({ days }) },
  responses: { ...REFUSED, 200: answer('The rule.', RuleDetail, RULE) },
})

const change = createRoute({
  method: 'put',
  path: '/api/v1/rules/{id}/override',
  tags: ['Rules'],
  summary: 'Turn a rule on or off, or set its level and parameters',
  description:
    'What is left out stays as it is; null takes a setting back. It is written into `detect.yaml` with who set it and why, and refused where the rules cannot be loaded with it.',
  ...behind('rules:change', 'changeRule', { seconds: CHANGE_SECONDS }),
  request: {
    ...idOfRule,
    body: body(RuleOverride, { level: 'low', parameters: { failures: 20 }, reason: 'Many people here mistype' }),
  },
  responses: { ...REFUSED_OR_CONFLICT, 200: answer('The rule as it is now.', RuleDetail, RULE) },
})

const test = createRoute({
  method: 'post',
  path: '/api/v1/rules/{id}/backtest',
  tags: ['Rules'],
  summary: 'See what a rule would have found',
  description: 'One runs at a time. It ends when the client leaves.',
  ...behind('rules:test', 'backtestRule', { seconds: BACKTEST_SECONDS + 10 }),
  request: { ...idOfRule, body: body(BacktestRequest, { from: '30 days ago', to: 'now' }) },
  responses: {
    ...REFUSED,
    200: answer('What it would have found.', Backtest, {
      events: 40,
      findings: 2,
      perDay: [{ day: '2026-11-12', findings: 2 }],
      examples: [
        { eventId: '9d0a5f', time: '2026-11-12T08:15:30Z', summary: 'ana@example.com failed to log in 20 times.' },
      ],
      seconds: 2.4,
    }),
  },
})

/** `/api/v1/rules`. */
export const rules: RouteGroup = (deps) => {
  const desk = ruleDeskOf(deps.home)
  if (deps.service !== undefined) setTimeout(() => desk.warm(), WARM_AFTER_MS).unref()
  const since = (wanted: number) => deps.now().getTime() - wanted * DAY_MS
  const detail = async (asking: UseAsking, id: string, wanted: number) => {
    const rule = await desk.rule(id)
    const [use, perDay, yaml, notes] = await Promise.all([
      useOfRules(asking, since(wanted)),
      daysOfRule(asking, rule.id, since(wanted)),
      desk.yaml(rule),
      notesOfRule(deps.home.detectSettings, rule),
    ])
    const noise = noiseOfRules(deps.home, asking.viewer).get(rule.id)
    const told = { use: use.get(rule.id), noise, perDay, yaml, notes }
    return masked(deps.lake, asking.viewer, asking.signal, (mask) => ruleDetail(rule, told, mask))
  }
  const asking = (c: { get(name: 'principal'): Principal; get(name: 'signal'): AbortSignal }): UseAsking => ({
    lake: deps.lake,
    viewer: c.get('principal'),
    signal: c.get('signal'),
  })
  return newRoutes()
    .openapi(list, async (c) => {
      const { days: wanted } = c.req.valid('query')
      const [book, use] = await Promise.all([desk.book(), useOfRules(asking(c), since(wanted))])
      const noise = noiseOfRules(deps.home, c.get('principal'))
      const rows = book.rules.map((rule) => ruleRow(rule, { use: use.get(rule.id), noise: noise.get(rule.id) }))
      return c.json({ rules: rows, days: wanted }, 200)
    })
    .openapi(coverage, async (c) => {
      const [book, use] = await Promise.all([desk.book(), useOfRules(asking(c), since(c.req.valid('query').days))])
      const fired = (own: readonly string[]) => own.reduce((sum, id) => sum + (use.get(id)?.findings ?? 0), 0)
      const tactics = book.tactics.map(({ id, name, techniques }) => ({
        id,
        name,
        techniques: techniques.map((each) => ({
          id: each.id,
          name: each.name,
          rules: each.rules.length,
          fired: fired(each.rules),
        })),
      }))
      return c.json({ tactics, actions: { ...book.actions } }, 200)
    })
    .openapi(one, async (c) => c.json(await detail(asking(c), c.req.valid('param').id, c.req.valid('query').days), 200))
    .openapi(change, async (c) => {
      const { id } = c.req.valid('param')
      const principal = c.get('principal')
      if (isLimitedByLists(principal.rows))
        throw new AppError('FORBIDDEN', 'A rule is about all rows, and you see only some of them.')
      await changeRule(deps.home, desk, id, c.req.valid('json'), { who: principal.name, now: deps.now() })
      deps.service?.nudge('detect')
      return c.json(await detail(asking(c), id, USUAL_DAYS), 200)
    })
    .openapi(test, async (c) => {
      const { from, to } = c.req.valid('json')
      const rule = await desk.rule(c.req.valid('param').id)
      const asked = { rule: rule.id, ...parseRange(from, to, deps.now()) }
      return c.json(await backtested(deps, asked, { principal: c.get('principal'), signal: c.get('signal') }), 200)
    })
}
