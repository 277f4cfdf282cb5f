/** The buttons at the end of a dialog. */
import { Button, type ButtonProps, Group } from '@mantine/core'

/** Choices of {@link DialogButtons}; the rest is of the button that does it. */
export interface DialogButtonsProps extends ButtonProps {
  readonly onClose: () => void
  /** The word on the button that does it. */
  readonly submit: string
  /** What it does, where it does not submit a form. */
  readonly onClick?: () => void
}

/** One leads out, the other does it. */
export function DialogButtons({ onClose, submit, ...rest }: DialogButtonsProps) {
  return (
    <Group justify="flex-end" gap="xs">
      <Button variant="default" onClick={onClose}>
        Cancel
      </Button>
      <Button type="submit" {...rest}>
        {submit}
      </Button>
    </Group>
  )
}
