/** What was asked with: parameters, query text, and what came back. */
import { JsonView, KeyValue } from '../../parts/key-value.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Empty } from '../../parts/state-of.tsx'
import { numberOf } from '../../times.ts'
import { type EventFields, fieldOf, textOf } from './fields.ts'

/** Parameters of an event. */
export function Parameters({ event }: { readonly event: EventFields }) {
  const parameters = fieldOf(event, 'request_params')
  const names = typeof parameters === 'object' && parameters !== null ? Object.keys(parameters) : []
  const query = textOf(event, 'query.text')
  const error = textOf(event, 'error_message')
  const result = textOf(event, 'response_result')
  const extra = textOf(event, 'extra')
  if (names.length === 0 && query === null && error === null && result === null && extra === null) {
    return <Empty title="The record holds no parameters" />
  }
  return (
    <>
      {query === null ? null : <QueryText event={event} text={query} />}
      {names.length === 0 ? null : (
        <>
          <h3 className="detail-heading">Request</h3>
          <JsonView value={parameters} label="Parameters" />
        </>
      )}
      {error === null ? null : (
        <>
          <h3 className="detail-heading">Error</h3>
          <Text text={error} />
        </>
      )}
      {result === null ? null : (
        <>
          <h3 className="detail-heading">Result</h3>
          <JsonView value={{ result }} label="Result" />
        </>
      )}
      {extra === null ? null : (
        <>
          <h3 className="detail-heading">Whatever else the record held</h3>
          <JsonView value={{ extra }} label="Other fields" />
        </>
      )}
    </>
  )
}

function QueryText({ event, text }: { readonly event: EventFields; readonly text: string }) {
  const number = (path: string): string | null => {
    const value = textOf(event, path)
    return value === null ? null : numberOf(Number(value))
  }
  const duration = number('query.duration_ms')
  return (
    <>
      <h3 className="detail-heading">Query</h3>
      <Text text={text} />
      <KeyValue
        rows={[
          ['Language', textOf(event, 'query.language')],
          ['Took', duration === null ? null : `${duration} ms`],
          ['Rows', number('query.rows_produced')],
          ['Bytes read', number('query.bytes_read')],
        ]}
      />
    </>
  )
}

/** Text with its line breaks, all else of it inert. */
const Text = ({ text }: { readonly text: string }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
  <pre className="detail-text" tabIndex={0}>
    <Plain text={text} keepLines />
  </pre>
)
