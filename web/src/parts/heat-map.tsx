/** Hours of the week, as shades. */
import { numberOf } from '../times.ts'

const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']

/** Shades between nothing and the most. */
const SHADES = 6

/** Seven rows of 24 hours; the more, the stronger. Hours are those of UTC. */
export function HeatMap({ hours, label }: { readonly hours: readonly (readonly number[])[]; readonly label: string }) {
  const most = Math.max(1, ...hours.flat())
  // Few hours hold most of what happens: by root, the quiet ones can be told from the empty ones.
  const shade = (count: number) => (count === 0 ? 0 : Math.max(1, Math.round(SHADES * Math.sqrt(count / most))))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="heat-scroll" tabIndex={0} aria-label={label}>
      <table className="heat">
        <caption className="unseen-caption">{label}, by weekday and hour in UTC</caption>
        <thead>
          <tr>
            <td />
            {Array.from({ length: 24 }, (_, hour) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: hours are their places
              <th key={hour} scope="col">
                {hour % 3 === 0 ? String(hour).padStart(2, '0') : <span className="unseen-caption">{hour}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {DAYS.map((day, at) => (
            <tr key={day}>
              <th scope="row">{day.slice(0, 3)}</th>
              {Array.from({ length: 24 }, (_, hour) => {
                const count = hours[at]?.[hour] ?? 0
                const said = `${day} ${String(hour).padStart(2, '0')}:00: ${numberOf(count)}`
                return (
                  // biome-ignore lint/suspicious/noArrayIndexKey: hours are their places
                  <td key={hour} className={`heat-${shade(count)}`} title={said}>
                    <span className="unseen-caption">{count}</span>
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
