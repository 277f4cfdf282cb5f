/** Rules: what is looked for, what of it fired, and what of that was noise. */
import { NativeSelect, SegmentedControl } from '@mantine/core'
import type { Coverage, RuleList } from '../../../src/serve/shapes/rules.ts'
import { PageHead, Panel } from '../parts/panel.tsx'
import { StateOf } from '../parts/state-of.tsx'
import { useAsk } from '../queries/ask.ts'
import { numberOf } from '../times.ts'
import { useUrlState } from '../url-state.ts'
import { AttackMatrix } from './rules/attack-matrix.tsx'
import { chosenRules, ruleFilterOf } from './rules/rule-filter.ts'
import { RuleFilters, RuleTable } from './rules/rule-table.tsx'
import './rules/rules.css'

const DAYS = ['1', '7', '30', '90']

/** The page of rules. */
export default function Rules() {
  const [params, change] = useUrlState()
  const days = DAYS.find((each) => each === params.get('days')) ?? '30'
  const view = params.get('view') === 'attack' ? 'attack' : 'list'
  const query = useAsk<RuleList>('/rules', { days }, { keepPrevious: true })
  const coverage = useAsk<Coverage>('/rules/coverage', {}, { enabled: view === 'attack' })
  const filter = ruleFilterOf(params)
  return (
    <div className="page">
      <PageHead title="Rules" note={query.data === undefined ? null : <Summary list={query.data} />}>
        <NativeSelect
          aria-label="Findings of the last"
          value={days}
          onChange={(event) => change({ days: event.currentTarget.value === '30' ? null : event.currentTarget.value })}
          data={DAYS.map((value) => ({ value, label: value === '1' ? 'Last day' : `Last ${value} days` }))}
        />
        <SegmentedControl
          aria-label="View"
          value={view}
          onChange={(next) => change({ view: next === 'list' ? null : next })}
          data={[
            { value: 'list', label: 'List' },
            { value: 'attack', label: 'ATT&CK' },
          ]}
        />
      </PageHead>
      {view === 'attack' ? (
        <StateOf query={coverage} lines={10}>
          {(answer) => <AttackMatrix coverage={answer} />}
        </StateOf>
      ) : (
        <Panel flush>
          <StateOf query={query} lines={12}>
            {({ rules }) => (
              <>
                <RuleFilters rules={rules} filter={filter} onChange={(changes) => change(changes, { replace: true })} />
                <RuleTable
                  rules={chosenRules(rules, filter)}
                  days={days}
                  sort={filter.sort}
                  onSort={(sort) => change({ sort })}
                />
              </>
            )}
          </StateOf>
        </Panel>
      )}
    </div>
  )
}

function Summary({ list }: { readonly list: RuleList }) {
  const { rules } = list
  const on = rules.filter(({ enabled }) => enabled).length
  const fired = rules.filter(({ findings }) => findings > 0).length
  const changed = rules.filter(({ overridden }) => overridden).length
  return (
    <>
      {numberOf(on)} of {numberOf(rules.length)} on · {numberOf(fired)} fired in {numberOf(list.days)}{' '}
      {list.days === 1 ? 'day' : 'days'} · {numberOf(changed)} changed here
    </>
  )
}
