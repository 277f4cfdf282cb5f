/** The list of rules. */
import { Anchor, Group, NativeSelect, Table, TextInput, UnstyledButton } from '@mantine/core'
import { Link } from 'wouter'
import type { RuleRow } from '../../../../src/serve/shapes/rules.ts'
import { FilterChip } from '../../parts/filter-chip.tsx'
import { Icon } from '../../parts/icon.tsx'
import { LEVELS } from '../../parts/levels.ts'
import { Plain, visibleText } from '../../parts/plain.tsx'
import { LevelBadge, Tag, TimeText } from '../../parts/small.tsx'
import { Empty } from '../../parts/state-of.tsx'
import { numberOf } from '../../times.ts'
import type { Changes } from '../../url-state.ts'
import { ruleUrl } from '../alerts/alert-links.ts'
import '../../parts/scroll-table.css'
import { NOISY, type RuleFilter, type RuleSort, SHOWS } from './rule-filter.ts'

/** The controls above the list. */
export function RuleFilters({
  rules,
  filter,
  onChange,
}: {
  readonly rules: readonly RuleRow[]
  readonly filter: RuleFilter
  readonly onChange: (changes: Changes) => void
}) {
  const threats = [...new Set(rules.flatMap(({ threat }) => (threat === null ? [] : [threat])))].sort()
  return (
    <Group gap={8} className="rule-filters" role="search" aria-label="Filter the rules">
      <TextInput
        aria-label="Words"
        placeholder="Title, name, file, technique"
        value={filter.text}
        onChange={(event) => onChange({ text: event.currentTarget.value })}
        leftSection={<Icon name="explorer" size={13} />}
        w={230}
      />
      <NativeSelect
        aria-label="Which"
        value={filter.show}
        onChange={(event) => onChange({ show: event.currentTarget.value })}
        data={SHOWS.map((each) => ({ ...each }))}
      />
      <NativeSelect
        aria-label="Level"
        value={filter.level}
        onChange={(event) => onChange({ level: event.currentTarget.value })}
        data={[{ value: '', label: 'Any level' }, ...LEVELS.map((value) => ({ value, label: value }))]}
      />
      <NativeSelect
        aria-label="Threat"
        value={filter.threat}
        onChange={(event) => onChange({ threat: event.currentTarget.value })}
        data={[
          { value: '', label: 'Any threat' },
          ...threats.map((value) => ({ value, label: visibleText(value.replaceAll('-', ' ')) })),
        ]}
      />
      <NativeSelect
        aria-label="Kind"
        value={filter.kind}
        onChange={(event) => onChange({ kind: event.currentTarget.value })}
        data={[
          { value: '', label: 'Any kind' },
          { value: 'detection', label: 'Detections' },
          { value: 'correlation', label: 'Correlations' },
          { value: 'baseline', label: 'Baselines' },
        ]}
      />
      {filter.technique === '' ? null : (
        <FilterChip label={filter.technique} onRemove={() => onChange({ technique: null })} />
      )}
    </Group>
  )
}

const HEADS: readonly {
  readonly name: string
  readonly sort?: RuleSort
  readonly number?: boolean
  readonly wide?: boolean
}[] = [
  { name: 'Rule', sort: 'title' },
  { name: 'Level', sort: 'level' },
  { name: 'Threat', wide: true },
  { name: 'Findings', sort: 'findings', number: true },
  { name: 'Last fired', sort: 'lastFired', wide: true },
  { name: 'Noise', sort: 'noise', number: true, wide: true },
]

/** The rules, with a heading to sort by. */
export function RuleTable({
  rules,
  days,
  sort,
  onSort,
}: {
  readonly rules: readonly RuleRow[]
  readonly days: string
  readonly sort: RuleSort
  readonly onSort: (sort: RuleSort) => void
}) {
  if (rules.length === 0) return <Empty title="No rule fits these filters" icon="filter" />
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="scroll-table" tabIndex={0} aria-label="Table: Rules">
      <Table highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            {HEADS.map((head) => (
              <Table.Th
                key={head.name}
                scope="col"
                className={`${head.number === true ? 'number' : ''} ${head.wide === true ? 'wide-only' : ''}`}
                {...(head.sort === sort ? { 'aria-sort': sort === 'title' ? 'ascending' : 'descending' } : {})}
              >
                {head.sort === undefined ? (
                  head.name
                ) : (
                  <SortButton name={head.name} isOn={head.sort === sort} onPress={() => onSort(head.sort ?? 'title')} />
                )}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rules.map((rule) => (
            <RuleLine key={rule.id} rule={rule} days={days} />
          ))}
        </Table.Tbody>
      </Table>
    </section>
  )
}

function SortButton({
  name,
  isOn,
  onPress,
}: {
  readonly name: string
  readonly isOn: boolean
  readonly onPress: () => void
}) {
  return (
    <UnstyledButton className={isOn ? 'sort-head on' : 'sort-head'} onClick={onPress}>
      {name}
      {isOn ? <Icon name={name === 'Rule' ? 'up' : 'down'} size={10} /> : null}
    </UnstyledButton>
  )
}

function RuleLine({ rule, days }: { readonly rule: RuleRow; readonly days: string }) {
  const noisy = rule.noise !== null && rule.noise >= NOISY
  return (
    <Table.Tr className={rule.enabled ? '' : 'rule-off'}>
      <Table.Td className="name-cell">
        <Anchor component={Link} href={`${ruleUrl(rule.id)}?days=${days}`}>
          <Plain text={rule.title} />
        </Anchor>
        <span className="rule-name">
          <Plain text={rule.name} />
        </span>
        <span className="rule-marks">
          {rule.enabled ? null : <Tag>off</Tag>}
          {rule.overridden ? <Tag tone="low">changed here</Tag> : null}
          {rule.problems > 0 ? <Tag tone="high">{numberOf(rule.problems)} problems</Tag> : null}
        </span>
      </Table.Td>
      <Table.Td>
        <LevelBadge level={rule.level} />
      </Table.Td>
      <Table.Td className="wide-only">
        {rule.threat === null ? <span className="none">–</span> : <Plain text={rule.threat.replaceAll('-', ' ')} />}
      </Table.Td>
      <Table.Td className="number">
        {rule.findings === 0 ? (
          <span className="none">0</span>
        ) : (
          <Anchor component={Link} href={`/alerts?${new URLSearchParams({ which: 'all', rule: rule.id }).toString()}`}>
            {numberOf(rule.findings)}
          </Anchor>
        )}
      </Table.Td>
      <Table.Td className="wide-only">
        <TimeText iso={rule.lastFired} as="ago" />
      </Table.Td>
      <Table.Td className="number wide-only">
        {rule.noise === null ? (
          <span className="none">–</span>
        ) : (
          <span className={noisy ? 'tone-high' : ''} title="Share of its resolved alerts that were benign or wrong">
            {Math.round(100 * rule.noise)} %
          </span>
        )}
      </Table.Td>
    </Table.Tr>
  )
}
