import { expect, it } from 'vitest'
import { CATEGORIES, TARGET_TYPES, VERBS } from '../normalise/catalogue/vocabulary.ts'
import { OCSF_CLASSES, OCSF_RULES, type OcsfClass, OTHER_ACTIVITY } from './ocsf-classes.ts'
import { shippedOcsfSchema } from './ocsf-sample.ts'

const schema = shippedOcsfSchema()

it('calls classes, categories and activities what the schema calls them', () => {
  for (const own of Object.values(OCSF_CLASSES) as OcsfClass[]) {
    const shape = schema.classByUid.get(own.uid)
    expect(shape?.caption).toBe(own.caption)
    expect(Object.values(shape?.attributes.category_uid?.enum ?? {})[0]?.caption).toBe(own.category)
    for (const [id, caption] of Object.entries(own.activities)) {
      expect(shape?.attributes.activity_id?.enum?.[id]?.caption, `${own.caption} ${id}`).toBe(caption)
    }
  }
})

it('has a rule for every event and leads only to activities it can name', () => {
  const last = OCSF_RULES.at(-1)
  expect(last).toEqual({ to: 'apiActivity', activity: OTHER_ACTIVITY })
  for (const { to, activity } of OCSF_RULES) {
    if (activity !== OTHER_ACTIVITY) expect(Object.keys(OCSF_CLASSES[to].activities)).toContain(String(activity))
  }
})

it('uses only words of the catalogue', () => {
  const names = (terms: readonly { readonly name: string }[]) => terms.map(({ name }) => name)
  const unknown = OCSF_RULES.flatMap(({ categories = [], verbs = [], targets = [] }) => [
    ...categories.filter((each) => !names(CATEGORIES).includes(each)),
    ...verbs.filter((each) => !names(VERBS).includes(each)),
    ...targets.filter((each) => !names(TARGET_TYPES).includes(each)),
  ])
  expect(unknown).toEqual([])
})

it('leaves no rule out of reach behind a wider one', () => {
  const covers = (wide: readonly string[] | undefined, narrow: readonly string[] | undefined) =>
    wide === undefined || narrow?.every((each) => wide.includes(each)) === true
  const dead = OCSF_RULES.filter((rule, index) =>
    OCSF_RULES.slice(0, index).some(
      (earlier) =>
        covers(earlier.categories, rule.categories) &&
        covers(earlier.verbs, rule.verbs) &&
        covers(earlier.targets, rule.targets) &&
        covers(earlier.actions, rule.actions) &&
        (earlier.needs === undefined || earlier.needs === rule.needs),
    ),
  )
  expect(dead).toEqual([])
})
