/** Where events come from: how much, how new, how well. */
import { Anchor, Table } from '@mantine/core'
import { Link } from 'wouter'
import type { SourceList } from '../../../../src/serve/shapes/operations.ts'
import { Plain } from '../../parts/plain.tsx'
import { ScrollTable } from '../../parts/scroll-table.tsx'
import { Tag, TimeText } from '../../parts/small.tsx'
import { Empty } from '../../parts/state-of.tsx'
import { useMay } from '../../queries/session.ts'
import { numberOf, spanOf } from '../../times.ts'
import { StageFailure, StageTag } from './stages.tsx'

/** Events that are older than this when they come make a reader wonder. */
const SLOW_SECONDS = 3600
const STUCK_SECONDS = 86_400

/** The sources of the settings. */
export function Sources({ sources }: { readonly sources: SourceList['sources'] }) {
  if (sources.length === 0)
    return (
      <Empty title="No source is watched" icon="operations">
        Add one below <code>sources</code> in <code>bricktrail.yaml</code>, or bring logs in with{' '}
        <code>bricktrail ingest</code>.
      </Empty>
    )
  return (
    <ScrollTable
      label="Sources"
      columns={[
        { name: 'Source' },
        { name: 'State' },
        { name: 'Newest event', wide: true },
        { name: 'Lag', number: true },
        { name: 'Events', number: true },
        { name: 'Objects', number: true, wide: true },
        { name: 'Rejects', number: true },
      ]}
    >
      {sources.map((source) => (
        <Source key={source.name} source={source} />
      ))}
    </ScrollTable>
  )
}

function Source({ source }: { readonly source: SourceList['sources'][number] }) {
  const { name, spec, stage, newestEvent, lagSeconds, events, objects, rejects } = source
  const maySeeRejects = useMay('events:raw')
  return (
    <>
      <Table.Tr>
        <Table.Td className="name-cell">
          <strong>
            <Plain text={name} />
          </strong>
          <div className="sub">
            <Plain text={spec} />
          </div>
        </Table.Td>
        <Table.Td>
          <StageTag stage={stage} />
          {stage.note === undefined ? null : (
            <div className="sub">
              <Plain text={stage.note} />
            </div>
          )}
        </Table.Td>
        <Table.Td className="wide-only">
          <TimeText iso={newestEvent} />
        </Table.Td>
        <Table.Td className="number">
          {lagSeconds === undefined ? <span className="none">–</span> : <Lag seconds={lagSeconds} />}
        </Table.Td>
        <Table.Td className="number">
          <Count value={events} />
        </Table.Td>
        <Table.Td className="number wide-only">
          <Count value={objects} />
        </Table.Td>
        <Table.Td className="number">
          {rejects === null || rejects === 0 || !maySeeRejects ? (
            <Count value={rejects} />
          ) : (
            <Anchor component={Link} href="/operations?show=rejects">
              {numberOf(rejects)}
            </Anchor>
          )}
        </Table.Td>
      </Table.Tr>
      <StageFailure stage={stage} columns={7} />
    </>
  )
}

/** Who sees some rows only is not told how much came. */
const Count = ({ value }: { readonly value: number | null }) =>
  value === null ? <span className="none">–</span> : numberOf(value)

const Lag = ({ seconds }: { readonly seconds: number }) => (
  <Tag tone={seconds >= STUCK_SECONDS ? 'high' : seconds >= SLOW_SECONDS ? 'medium' : 'good'}>{spanOf(seconds)}</Tag>
)
