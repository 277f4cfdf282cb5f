/** What the service does on its schedules, and what of it fails. */
import { Table } from '@mantine/core'
import { Fragment } from 'react'
import type { Stage } from '../../../../src/serve/shapes/operations.ts'
import { Hint, Plain } from '../../parts/plain.tsx'
import { ScrollTable } from '../../parts/scroll-table.tsx'
import { Tag, TimeText } from '../../parts/small.tsx'
import { Empty } from '../../parts/state-of.tsx'
import { numberOf } from '../../times.ts'

const TONES: Readonly<Record<Stage['state'], string>> = {
  idle: 'good',
  running: 'low',
  failing: 'high',
  held: 'medium',
  off: 'informational',
}

/** `idle` is how a stage should be between two runs. */
const WORDS: Readonly<Record<Stage['state'], string>> = {
  idle: 'well',
  running: 'at work',
  failing: 'failing',
  held: 'held back',
  off: 'off',
}

/** How a stage is, as a word with a tone. */
export const StageTag = ({ stage }: { readonly stage: Stage }) => (
  <Tag tone={TONES[stage.state]}>{WORDS[stage.state]}</Tag>
)

/** The last failure of a stage that still fails, with what to do about it, as a row of its own. */
export function StageFailure({ stage, columns }: { readonly stage: Stage; readonly columns: number }) {
  const { lastFailure, failuresInRow } = stage
  if (lastFailure === undefined || failuresInRow === 0) return null
  return (
    <Table.Tr className="failure-row">
      <Table.Td colSpan={columns}>
        <Failure reason={lastFailure.message} time={lastFailure.time} hint={lastFailure.hint} inRow={failuresInRow} />
      </Table.Td>
    </Table.Tr>
  )
}

/** Why something failed, when, and what to do about it. */
export function Failure({
  reason,
  time,
  hint = '',
  inRow = 1,
}: {
  readonly reason: string
  readonly time: string
  readonly hint?: string
  readonly inRow?: number
}) {
  return (
    <div className="failure">
      <div>
        <Plain text={reason} /> · <TimeText iso={time} as="ago" />
        {inRow > 1 ? `, ${numberOf(inRow)} times in a row` : ''}
      </div>
      {hint === '' ? null : (
        <div className="failure-hint">
          <Hint text={hint} />
        </div>
      )}
    </div>
  )
}

/** The stages of the loop. */
export function Stages({ stages }: { readonly stages: readonly Stage[] }) {
  if (stages.length === 0)
    return (
      <Empty title="Nothing runs here" icon="operations">
        This server answers questions only. Start it with <code>bricktrail serve</code> to have logs taken in.
      </Empty>
    )
  return (
    <ScrollTable
      label="Stages"
      columns={[
        { name: 'Stage' },
        { name: 'State' },
        { name: 'Last success' },
        { name: 'Next run', wide: true },
        { name: 'Took', number: true, wide: true },
        { name: 'Runs', number: true, wide: true },
        { name: 'Failed in a row', number: true, wide: true },
      ]}
    >
      {stages.map((stage) => (
        <Fragment key={stage.name}>
          <Table.Tr>
            <Table.Td className="name-cell">
              <strong>
                <Plain text={stage.name} />
              </strong>
              {stage.note === undefined ? null : (
                <div className="sub">
                  <Plain text={stage.note} />
                </div>
              )}
            </Table.Td>
            <Table.Td>
              <StageTag stage={stage} />
            </Table.Td>
            <Table.Td>
              <TimeText iso={stage.lastSuccess} as="ago" />
            </Table.Td>
            <Table.Td className="wide-only">
              <TimeText iso={stage.next} as="ago" />
            </Table.Td>
            <Table.Td className="number wide-only">
              {stage.seconds === undefined ? <span className="none">–</span> : `${stage.seconds.toFixed(1)} s`}
            </Table.Td>
            <Table.Td className="number wide-only">{numberOf(stage.runs)}</Table.Td>
            <Table.Td className="number wide-only">{numberOf(stage.failuresInRow)}</Table.Td>
          </Table.Tr>
          <StageFailure stage={stage} columns={7} />
        </Fragment>
      ))}
    </ScrollTable>
  )
}
