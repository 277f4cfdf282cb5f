/** What a role may not do is shown as such, with the reason, instead of failing when it is tried. */
import { Button, type ButtonProps, Tooltip } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Permission } from '../../../src/serve/contract.ts'
import { useMe } from '../queries/session.ts'

/** Why who is signed in may not do something; null where they may. `what` goes on from "may not". */
export function useWhyNot(permission: Permission, what: string): string | null {
  const me = useMe()
  return me.permissions.includes(permission) ? null : `Your role, ${me.role}, may not ${what}.`
}

/** Choices of {@link MayButton}. */
export interface MayButtonProps extends ButtonProps {
  /** Why it cannot be pressed; null where it can. It stays reachable, so that the reason can be read. */
  readonly whyNot: string | null
  readonly onPress: () => void
  readonly children: ReactNode
  readonly 'aria-label'?: string
  readonly 'aria-keyshortcuts'?: string
}

/** A button that says why it is off. */
export function MayButton({ whyNot, onPress, children, ...rest }: MayButtonProps) {
  return (
    <Tooltip label={whyNot} disabled={whyNot === null} multiline maw={260}>
      <Button
        {...rest}
        {...(whyNot === null ? {} : { 'data-disabled': true, 'aria-disabled': true })}
        onClick={() => {
          if (whyNot === null) onPress()
        }}
      >
        {children}
      </Button>
    </Tooltip>
  )
}
