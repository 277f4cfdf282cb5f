/** One of a few. */
import { SegmentedControl, Text } from '@mantine/core'

/** A labelled row of choices of which one holds. */
export function Choice<T extends string>({
  label,
  value,
  data,
  onChange,
}: {
  readonly label: string
  readonly value: T
  readonly data: readonly { readonly value: T; readonly label: string }[]
  readonly onChange: (value: T) => void
}) {
  return (
    <div className="choice">
      <Text size="xs" c="dimmed" component="div">
        {label}
      </Text>
      <SegmentedControl
        fullWidth
        aria-label={label}
        value={value}
        data={data.map((each) => ({ ...each }))}
        onChange={(next) => onChange(next as T)}
      />
    </div>
  )
}
