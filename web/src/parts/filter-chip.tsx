/** A filter that came with the address and has no field of its own. */
import { UnstyledButton } from '@mantine/core'
import { Icon } from './icon.tsx'
import { Plain } from './plain.tsx'

/** Says the filter; a press takes it away. */
export function FilterChip({ label, onRemove }: { readonly label: string; readonly onRemove: () => void }) {
  return (
    <UnstyledButton className="filter-chip" onClick={onRemove}>
      <span className="unseen-caption">Take away: </span>
      <Plain text={label} />
      <Icon name="close" size={11} />
    </UnstyledButton>
  )
}
