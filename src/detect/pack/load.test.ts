import { afterEach, describe, expect, it } from 'vitest'
import { isAppError } from '../../core/errors.ts'
import { problemText } from '../../core/yaml/place.ts'
import { itemsOf } from '../sigma/tree.ts'
import { loadPack, type PackOptions } from './load.ts'
import type { PackRule, RulePack } from './pack.ts'
import { countOf, newSite, type Site, simpleRule } from './site.fixture.ts'

const sites: Site[] = []
afterEach(async () => {
  for (const site of sites.splice(0)) await site.remove()
})

async function site(files: Readonly<Record<string, string>>): Promise<Site> {
  const made = await newSite(files)
  sites.push(made)
  return made
}

/** The pack of a folder `rules`, with the settings `detect.yaml` beside it. */
async function packOf(files: Readonly<Record<string, string>>, options: PackOptions = {}) {
  const made = await site({ 'rules/.keep': '', ...files })
  const settingsFile = made.path('detect.yaml')
  const pack = await loadPack({ shipped: false, folders: [made.path('rules')], settingsFile, ...options })
  const problems = pack.problems.map((problem) => problemText(problem).replaceAll(`${made.folder}/`, ''))
  return { pack, problems, site: made }
}

const keysOf = (rules: readonly PackRule[]): string[] => rules.map(({ key }) => key)
const only = ({ rules }: RulePack): PackRule => {
  expect(rules).toHaveLength(1)
  return rules[0] as PackRule
}
const firstItem = ({ rule }: PackRule) => {
  if (rule.kind === 'correlation') throw new Error('no detection')
  return itemsOf(rule.kind === 'baseline' ? rule.select.tree : rule.tree)[0]
}
const textsOf = (rule: PackRule): unknown[] =>
  firstItem(rule)
    ?.values.flat()
    .map((test) => (test.kind === 'text' ? test.pattern : test)) ?? []

describe('the shipped rules', () => {
  it('load without a problem, each with a key of its own, a version and examples', async () => {
    const pack = await loadPack()
    expect(pack.problems.map(problemText)).toEqual([])
    expect(new Set(pack.rules.map(({ file }) => file)).size).toBeGreaterThanOrEqual(370)
    expect(new Set(keysOf(pack.rules)).size).toBe(pack.rules.length)
    expect(pack.rules.every(({ version, isShipped }) => /^[0-9a-f]{16}$/.test(version) && isShipped)).toBe(true)
    const telling = pack.rules.filter(({ feeds }) => !feeds)
    expect(telling.filter(({ content }) => content.fires.length === 0 || content.silent.length === 0)).toEqual([])
    expect(telling.filter(({ content }) => content.threat === undefined || content.entity === undefined)).toEqual([])
    expect(pack.rules.filter(({ rule }) => rule.kind === 'baseline').length).toBeGreaterThanOrEqual(55)
  })

  it('are the same rules with the same versions where examples are left unread', async () => {
    const [whole, quick] = [await loadPack(), await loadPack({ examples: false })]
    const facts = ({ rules }: RulePack) =>
      rules.map(({ key, version, rule, content: { fires: _, silent: __, ...content } }) => ({
        ...{ key, version, place: rule.meta.place, kind: rule.kind, content },
      }))
    expect(quick.problems).toEqual([])
    expect(facts(quick)).toEqual(facts(whole))
    expect(quick.rules.every(({ content }) => content.fires.length === 0)).toBe(true)
  })
})

describe('a pack', () => {
  it('keeps its good rules where others are broken', async () => {
    const { pack, problems } = await packOf({
      'rules/a.yml': 'title: [\n',
      'rules/b.yml': `${simpleRule('one')}---\ntitle: Half\n---\n${simpleRule('two')}`,
      'rules/deep/c.yaml': simpleRule('three'),
      'rules/.hidden/d.yml': 'nonsense',
      'rules/notes.txt': 'nonsense',
    })
    expect(keysOf(pack.rules)).toEqual(['one', 'two', 'three'])
    expect(problems).toHaveLength(2)
    expect(problems[0]).toMatch(/^rules\/a\.yml:\d+:\d+: error: /)
    expect(problems[1]).toMatch(/^rules\/b\.yml:10:\d+: error: This is no rule/)
  })

  it('tells a folder that is not there by its place in the settings, and refuses one that was asked for', async () => {
    const { problems, site } = await packOf({ 'detect.yaml': 'shipped: true\nrules:\n  - ./missing\n' })
    expect(problems).toEqual([expect.stringContaining('detect.yaml:3:5: error: missing cannot be read: ENOENT.')])
    const refused = await loadPack({ folders: [site.path('nowhere')] }).catch((cause: unknown) => cause)
    expect(isAppError(refused) && refused.code).toBe('NO_SOURCE')
  })

  it('takes a folder of the settings relative to their file', async () => {
    const { pack, problems } = await packOf(
      { 'detect.yaml': 'rules: rules\n', 'rules/x.yml': simpleRule('x') },
      { folders: [] },
    )
    expect([keysOf(pack.rules), problems]).toEqual([['x'], []])
  })

  it("lets a site's rule take the place of a shipped one, and refuses other twins", async () => {
    const [shipped] = (await loadPack({ examples: false })).rules
    const twin = `id: ${shipped?.rule.meta.id}\n`
    const { pack, problems } = await packOf(
      { 'rules/a.yml': simpleRule('mine', undefined, twin), 'rules/b.yml': simpleRule('mine') },
      { shipped: true, examples: false },
    )
    expect(pack.rules.filter(({ key }) => key === shipped?.key)).toMatchObject([{ isShipped: false }])
    expect(problems).toEqual([expect.stringMatching(/^rules\/b\.yml:1:1: error: The rule mine is in .*a\.yml too\./)])
  })

  it('runs only rules about the logs asked for', async () => {
    const other = simpleRule('w').replace('databricks', 'windows')
    const files = {
      'rules/a.yml': simpleRule('d'),
      'rules/b.yml': `${other}---\n${countOf('count', 'w')}`,
      'rules/c.yml': simpleRule('c').replace('product: databricks', 'category: webserver'),
      'rules/d.yml': simpleRule('none').replace('product: databricks', 'definition: any logs'),
    }
    const { pack } = await packOf(files, { product: 'databricks' })
    expect(keysOf(pack.rules)).toEqual(['d', 'none'])
    expect(keysOf(pack.elsewhere)).toEqual(['w', 'count', 'c'])
    expect(keysOf((await packOf(files)).pack.rules)).toHaveLength(5)
  })
})

describe('disabled rules', () => {
  const pair = `${simpleRule('base', undefined, 'bricktrail:\n  feeds: true\n')}---\n${countOf('count', 'base')}`

  it.each(['count', 'pair'])('are named by name or file (%s), and what only they need goes with them', async (name) => {
    const { pack, problems } = await packOf({
      'rules/pair.yml': pair,
      'rules/x.yml': simpleRule('x'),
      'detect.yaml': `disabled: [${name}]\n`,
    })
    expect(problems).toEqual([])
    expect(keysOf(pack.rules)).toEqual(['x'])
    expect(keysOf(pack.disabled)).toEqual(['base', 'count'])
  })

  it('are still matched where a correlation in use counts them', async () => {
    const { pack } = await packOf({
      'rules/pair.yml': `${simpleRule('base')}---\n${countOf('count', 'base')}`,
      'detect.yaml': 'disabled: [base]\n',
    })
    expect(pack.rules.map(({ key, feeds }) => [key, feeds])).toEqual([
      ['base', true],
      ['count', false],
    ])
    expect(pack.disabled).toEqual([])
  })

  it('without id and name go by their title', async () => {
    const { pack } = await packOf({
      'rules/x.yml': simpleRule('x').replace('name: x\n', ''),
      'detect.yaml': 'disabled: [Rule x]\n',
    })
    expect([pack.rules, keysOf(pack.disabled)]).toEqual([[], ['Rule x']])
  })

  it('a title may be what another rule is called, unless both would share their findings', async () => {
    const untitled = simpleRule('x').replace('name: x\n', '').replace('Rule x', 'same')
    const named = simpleRule('same', undefined, 'id: 00000000-0000-4000-8000-000000000001\n')
    for (const files of [
      { 'rules/a.yml': untitled, 'rules/b.yml': named },
      { 'rules/a.yml': named, 'rules/b.yml': untitled },
    ]) {
      const { pack, problems } = await packOf(files)
      expect(problems).toEqual([])
      expect(keysOf(pack.rules).sort()).toEqual(['00000000-0000-4000-8000-000000000001', 'same'])
    }
    const { pack, problems } = await packOf({ 'rules/a.yml': simpleRule('same'), 'rules/b.yml': untitled })
    expect(keysOf(pack.rules)).toEqual(['same'])
    expect(problems).toEqual([expect.stringContaining('error: The rule same is in ')])
  })

  it('that nobody has are told with the nearest name', async () => {
    const { problems } = await packOf({ 'rules/x.yml': simpleRule('login'), 'detect.yaml': 'disabled: [x, logni]\n' })
    expect(problems).toEqual(['detect.yaml:1:15: error: No rule is called logni. Did you mean login?'])
  })
})

describe('declared environments', () => {
  const declared = 'environments:\n  - { name: dev, workspaces: ["1"] }\n  - { name: prod, catalogs: [prod] }\n'

  it('make a rule that settings may turn off or tell by another level', async () => {
    const { pack, problems } = await packOf({ 'detect.yaml': declared })
    expect([problems, keysOf(pack.rules), only(pack).level]).toEqual([[], ['environment-crossing'], 'high'])
    const off = await packOf({ 'detect.yaml': `disabled: [environment-crossing]\n${declared}` })
    expect([off.problems, off.pack.rules, keysOf(off.pack.disabled)]).toEqual([[], [], ['environment-crossing']])
    const low = await packOf({ 'detect.yaml': `overrides: { environment-crossing: { level: low } }\n${declared}` })
    expect([low.problems, only(low.pack).level]).toEqual([[], 'low'])
    const none = await packOf({ 'detect.yaml': 'disabled: [environment-crossing]\n' })
    expect(none.problems.join()).toContain('No rule is called environment-crossing.')
  })

  it('leave its name to no other rule', async () => {
    const { pack, problems } = await packOf({
      'detect.yaml': declared,
      'rules/x.yml': simpleRule('environment-crossing'),
    })
    expect(only(pack).rule.meta.title).toBe('Access from one environment into another')
    expect(problems.join()).toContain('The rule environment-crossing is in detect.yaml too.')
  })
})

describe('parameters', () => {
  const block = (value: string): string =>
    `bricktrail:\n  parameters:\n    - name: limit\n      value: ${value}\n      reason: why\n`
  const counted = `${simpleRule('base')}---\n${countOf('count', 'base', "gte: '%limit%'", block('5'))}`
  const bounds = ({ rules }: RulePack) => rules.flatMap(({ rule }) => (rule.kind === 'correlation' ? rule.bounds : []))

  it('stand for numbers and spans of correlations', async () => {
    const spanned = countOf('count', 'base', 'gte: 2', block('90m')).replace('1h', "'%limit%'")
    const { pack, problems } = await packOf({ 'rules/a.yml': counted })
    expect(problems).toEqual([])
    expect(bounds(pack)).toEqual([{ op: 'gte', value: 5 }])
    const { pack: other } = await packOf({ 'rules/a.yml': `${simpleRule('base')}---\n${spanned}` })
    expect(other.rules.map(({ rule }) => rule.kind === 'correlation' && rule.timespanSecs)).toEqual([false, 5400])
  })

  it('stand for numbers behind comparisons, and nowhere else without expand', async () => {
    const compared = simpleRule('a', "requestParams.days|gt: '%limit%'", block('90'))
    expect(textsOf(only((await packOf({ 'rules/a.yml': compared })).pack))).toEqual([
      { kind: 'compare', op: 'gt', value: 90 },
    ])
    const plain = simpleRule('a', "userAgent: '%limit%'", block('90'))
    expect(textsOf(only((await packOf({ 'rules/a.yml': plain })).pack))).toEqual([[{ kind: 'text', text: '%limit%' }]])
  })

  it('are lists under expand, and an empty list matches nothing', async () => {
    const line = (value: string) => simpleRule('a', "userAgent|contains|expand: '%limit%'", block(value))
    expect(textsOf(only((await packOf({ 'rules/a.yml': line('[x, 7]') })).pack))).toHaveLength(2)
    const { pack, problems } = await packOf({ 'rules/a.yml': line('[]') })
    expect(problems).toEqual([])
    expect(only(pack).rule).toMatchObject({ tree: { node: { kind: 'or', nodes: [] } } })
  })

  it('are overridden by id, name or file, and make another version', async () => {
    const files = { 'rules/failed-logins.yml': counted }
    const before = await packOf(files)
    for (const name of ['count', 'failed-logins', 'base']) {
      const settings = `overrides:\n  ${name}:\n    parameters: { limit: 50 }\n`
      const { pack, problems } = await packOf({ ...files, 'detect.yaml': settings })
      expect(problems).toEqual([])
      expect(bounds(pack)).toEqual([{ op: 'gte', value: 50 }])
      expect(pack.rules[1]?.content.parameters).toEqual([{ name: 'limit', value: 50, fallback: 5, reason: 'why' }])
      expect(pack.rules[0]?.version).toBe(pack.rules[1]?.version)
      expect(pack.rules[0]?.version).not.toBe(before.pack.rules[0]?.version)
    }
  })

  it('keep their value where the override cannot be used, which is told by its place', async () => {
    const settings = 'overrides:\n  count:\n    parameters:\n      limit: many\n      limits: 3\n'
    const { pack, problems } = await packOf({ 'rules/a.yml': counted, 'detect.yaml': settings })
    expect(bounds(pack)).toEqual([{ op: 'gte', value: 5 }])
    expect(problems).toEqual([
      'detect.yaml:4:7: error: The parameter is a text, not a number. Write a number, such as 5.',
      'detect.yaml:5:7: error: count has no parameter limits. Did you mean limit?',
    ])
  })

  it('that are not declared are errors at their place', async () => {
    const { pack, problems } = await packOf({ 'rules/a.yml': counted.replace('%limit%', '%limt%') })
    expect(keysOf(pack.rules)).toEqual(['base'])
    expect(problems).toEqual(['rules/a.yml:18:5: error: There is no parameter limt. Did you mean limit?'])
  })
})

describe('a version', () => {
  it('of a correlation is another where a rule that it counts is, whatever file that is in', async () => {
    const versions = async (line: string) => {
      const files = {
        'rules/a.yml': simpleRule('a', line),
        'rules/b.yml': countOf('b', 'a'),
        'rules/c.yml': simpleRule('c'),
      }
      return (await packOf(files)).pack.rules.map(({ version }) => version)
    }
    const [first, second] = [await versions('actionName: login'), await versions('actionName: logout')]
    expect(first.map((version, at) => version === second[at])).toEqual([false, false, true])
  })
})

describe('a level', () => {
  it("is the site's, or the rule's, or medium", async () => {
    const { pack } = await packOf({
      'rules/a.yml': simpleRule('a', undefined, 'level: low\n'),
      'rules/b.yml': simpleRule('b'),
      'rules/c.yml': `${simpleRule('c', undefined, 'level: low\nbricktrail:\n  feeds: true\n')}---\n${countOf('d', 'c')}`,
      'detect.yaml': 'overrides:\n  c: { level: critical }\n',
    })
    const levels = Object.fromEntries(pack.rules.map(({ key, level }) => [key, level]))
    expect(levels).toEqual({ a: 'low', b: 'medium', c: 'critical', d: 'critical' })
  })
})

describe('watchlists', () => {
  const rule = simpleRule('a', "sourceIPAddress|cidr|expand: '%known_egress%'")
  const declared = `${rule}bricktrail:\n  parameters:\n    - { name: known_egress, value: [], reason: none }\n`

  it('are lists for expand, and take the place of a parameter of the same name', async () => {
    const files = { 'egress.csv': 'site,cidr\nHQ,10.1.0.0/16\n"Lab, west",10.2.0.0/16\n' }
    const settings = 'watchlists:\n  known_egress: { file: egress.csv, column: cidr }\n'
    for (const text of [rule, declared]) {
      const { pack, problems } = await packOf({ ...files, 'rules/a.yml': text, 'detect.yaml': settings })
      expect(problems).toEqual([])
      expect(textsOf(only(pack))).toHaveLength(2)
    }
  })

  it('lose the entries that are no networks, which are named once, and the rules that use them run', async () => {
    const use = (name: string) => simpleRule(name, "sourceIPAddress|cidr|expand: '%egress%'")
    const { pack, problems } = await packOf({
      'rules/x.yml': use('x'),
      'rules/y.yml': use('y'),
      'egress.txt': '# ours\n10.0.0.0/8\n10.0.0.0/99\noffice\n192.168.0.0/16\n',
      'detect.yaml': 'watchlists:\n  egress: { file: egress.txt }\n',
    })
    expect(keysOf(pack.rules)).toEqual(['x', 'y'])
    expect(pack.rules.map((rule) => textsOf(rule).length)).toEqual([2, 2])
    expect(problems).toEqual([
      'egress.txt:3:1: error: This entry of the watchlist egress is passed over. 10.0.0.0/99 is no network. Write it as 10.0.0.0/8 or 2001:db8::/32.',
      'egress.txt:4:1: error: This entry of the watchlist egress is passed over. office is no network. Write it as 10.0.0.0/8 or 2001:db8::/32.',
    ])
  })

  it('of 100,000 entries that are all no networks are told of quickly, by the first', async () => {
    const entries = Array.from({ length: 100_000 }, (_, at) => `office-${at}`).join('\n')
    const { pack, problems } = await packOf({
      'rules/x.yml': simpleRule('x', "sourceIPAddress|cidr|expand: '%egress%'"),
      'egress.txt': entries,
      'detect.yaml': 'watchlists:\n  egress: { file: egress.txt }\n',
    })
    expect([keysOf(pack.rules), problems.length]).toEqual([['x'], 10])
    expect(problems.at(-1)).toContain('So are 99990 more.')
  }, 15_000)

  it('make another version of the rules that use them, and of no others', async () => {
    const versions = async (entries: string) => {
      const settings = `watchlists:\n  known_egress: [${entries}]\n`
      const { pack } = await packOf({ 'rules/a.yml': rule, 'rules/b.yml': simpleRule('b'), 'detect.yaml': settings })
      return pack.rules.map(({ version }) => version)
    }
    const [first, second] = [await versions('10.0.0.0/8'), await versions('11.0.0.0/8')]
    expect(first[0]).not.toBe(second[0])
    expect(first[1]).toBe(second[1])
  })

  it('that cannot be read cost the rules that need them, and no others', async () => {
    const settings = 'watchlists:\n  known_egress: { file: egress.csv, column: cdir }\n'
    const files = { 'egress.csv': 'site,cidr\nHQ,10.1.0.0/16\n', 'detect.yaml': settings }
    const { pack, problems } = await packOf({ ...files, 'rules/a.yml': rule, 'rules/b.yml': simpleRule('b') })
    expect(keysOf(pack.rules)).toEqual(['b'])
    expect(problems[0]).toContain('detect.yaml:2:3: error: The watchlist known_egress cannot be used.')
    expect(problems[0]).toContain('egress.csv has no column cdir. Did you mean cidr?')
    expect(problems[1]).toContain('rules/a.yml:7:')
  })
})

describe('a baseline', () => {
  it.each(['learn', 'window'])('is refused where %s is longer than any log goes back', async (key) => {
    const spans = { learn: '7d', window: '1h', [key]: '999999999d' }
    const text = `title: B\nname: b\nlogsource: {}\nbaseline:\n  type: silent_source\n  select: a\n  by: [service]\n  learn: ${spans.learn}\n  window: ${spans.window}\n`
    const { pack, problems } = await packOf({ 'rules/a.yml': simpleRule('a'), 'rules/b.yml': text })
    expect(keysOf(pack.rules)).toEqual(['a'])
    expect(problems).toEqual([expect.stringContaining('999999999d is longer than any log goes back.')])
  })
})

describe('filters', () => {
  const filter = (rules: string) =>
    `title: Quiet\nlogsource:\n  product: databricks\nfilter:\n  rules: ${rules}\n  selection:\n    userAgent: robot\n  condition: not selection\n`

  it.each(['[a]', 'any'])('of a site are added to the rules they name (%s), in another version', async (rules) => {
    const before = await packOf({ 'rules/a.yml': simpleRule('a') })
    const { pack, problems } = await packOf({ 'rules/a.yml': simpleRule('a'), 'rules/quiet.yml': filter(rules) })
    expect(problems).toEqual([])
    expect(only(pack).rule).toMatchObject({ tree: { kind: 'and' } })
    expect(only(pack).version).not.toBe(only(before.pack).version)
  })

  const BASELINE = `title: B\nname: b\nlogsource:\n  product: databricks\nbaseline:\n  type: first_seen\n  select: a\n  by: [actor.email]\n  value: [client]\n  learn: 7d\n`
  const FEEDS = 'bricktrail:\n  feeds: true\n'
  const OURS = 'bricktrail:\n  entity: actor.email\n'
  /** What of single events is filtered. */
  const filteredIn = ({ rules }: RulePack): string[] =>
    rules.flatMap(({ key, rule }) => {
      if (rule.kind === 'correlation') return []
      return (rule.kind === 'baseline' ? rule.select : rule).tree.kind === 'and' ? [key] : []
    })
  const countedIn = ({ rules }: RulePack, name: string): readonly string[] =>
    rules.flatMap(({ key, rule }) => (key === name && rule.kind === 'correlation' ? rule.rules : []))

  it('that name a baseline are added to the events it is about', async () => {
    const { pack, problems } = await packOf({
      'rules/a.yml': simpleRule('a'),
      'rules/b.yml': BASELINE,
      'rules/quiet.yml': filter('[b]'),
    })
    expect(problems).toEqual([])
    expect(filteredIn(pack)).toEqual(['b'])
  })

  it('that name a correlation are added to the rule that feeds it alone', async () => {
    const { pack, problems } = await packOf({
      'rules/a.yml': `${simpleRule('a', undefined, FEEDS)}---\n${countOf('count', 'a')}`,
      'rules/quiet.yml': filter('[count]'),
    })
    expect(problems).toEqual([])
    expect(keysOf(pack.rules)).toEqual(['a', 'count'])
    expect(filteredIn(pack)).toEqual(['a'])
  })

  it.each([
    ['fires itself', OURS, ''],
    ['others count too', FEEDS, `---\n${countOf('other', 'a')}`],
  ])('that name a correlation leave a rule that %s as it is', async (_, more, others) => {
    const files = {
      'rules/a.yml': simpleRule('a', undefined, more),
      'rules/count.yml': `${countOf('count', 'a')}${others}`,
    }
    const before = await packOf(files)
    const { pack, problems } = await packOf({ ...files, 'rules/quiet.yml': filter('[count]') })
    expect(problems).toEqual([])
    expect(filteredIn(pack)).toEqual(['a for count'])
    expect(countedIn(pack, 'count')).toEqual(['a for count'])
    expect(pack.rules.find(({ key }) => key === 'a for count')).toMatchObject({
      feeds: true,
      rule: { meta: { name: 'a' } },
    })
    if (others !== '') expect(countedIn(pack, 'other')).toEqual(['a'])
    const versionIn = ({ rules }: RulePack) => rules.find(({ key }) => key === 'count')?.version
    expect(versionIn(pack)).not.toBe(versionIn(before.pack))
  })

  it('that name a correlation let no rule fire that was quiet for being counted', async () => {
    const { pack } = await packOf({
      'rules/a.yml': `${simpleRule('a')}---\n${countOf('count', 'a')}---\n${countOf('other', 'a', undefined, OURS)}`,
      'rules/quiet.yml': `${filter('[count]')}---\n${filter('[other]')}`,
    })
    expect(pack.rules.filter(({ feeds }) => !feeds).map(({ key }) => key)).toEqual(['count', 'other'])
  })

  it('that name a correlation of correlations leave those below it as they are', async () => {
    const { pack, problems } = await packOf({
      'rules/a.yml': `${simpleRule('a', undefined, FEEDS)}---\n${countOf('low', 'a', undefined, OURS)}---\n${countOf('high', 'low')}`,
      'rules/quiet.yml': `${filter('[high]')}---\n${filter('[high]')}`,
    })
    expect(problems).toEqual([])
    expect(keysOf(pack.rules)).toEqual(['a', 'low', 'high', 'a for low for high', 'low for high'])
    expect(filteredIn(pack)).toEqual(['a for low for high'])
    expect(countedIn(pack, 'low')).toEqual(['a'])
    expect(countedIn(pack, 'high')).toEqual(['low for high'])
    expect(countedIn(pack, 'low for high')).toEqual(['a for low for high'])
  })

  it('that name a rule nobody has are warned of', async () => {
    const { problems } = await packOf({ 'rules/a.yml': simpleRule('a'), 'rules/quiet.yml': filter('[aa]') })
    expect(problems).toEqual([expect.stringContaining('rules/quiet.yml:5:11: warning: The filter names the rule aa')])
  })
})

describe('rules that a correlation counts', () => {
  const base = (name: string, more = '') =>
    `title: ${name}\nname: ${name}\nlogsource: { product: databricks }\ndetection:\n  s: { actionName: ${name} }\n  condition: s\n${more}`
  const many = (name: string, of: string, more = '') =>
    `title: ${name}\nname: ${name}\ncorrelation:\n  type: event_count\n  rules: [${of}]\n  group-by: [actor.email]\n  timespan: 5m\n  condition: { gte: 3 }\n${more}`

  it('make findings of their own only where one asks for that, or they say so themselves', async () => {
    const { pack, problems } = await packOf({
      'rules/a.yml': [
        base('quiet'),
        base('asked'),
        base('ours', 'bricktrail: { entity: actor.email }\n'),
        base('alone'),
        many('m1', 'quiet'),
        many('m2', 'asked', '  generate: true\n'),
        many('m3', 'ours'),
      ].join('---\n'),
    })
    expect(problems).toEqual([])
    expect(pack.rules.filter(({ feeds }) => feeds).map(({ rule }) => rule.meta.name)).toEqual(['quiet'])
  })
})
