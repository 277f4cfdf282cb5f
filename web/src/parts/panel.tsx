/** A box with a heading. */
import { Box, Group, Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'

/** Choices of {@link Panel}. */
export interface PanelProps {
  readonly title?: ReactNode
  /** One line below the title. */
  readonly note?: ReactNode
  /** Right of the title. */
  readonly actions?: ReactNode
  readonly children: ReactNode
  /** True lets tables and charts reach the border. */
  readonly flush?: boolean
  readonly className?: string
}

/** A box with a heading. */
export function Panel({ title, note, actions, children, flush = false, className }: PanelProps) {
  const id = useId()
  return (
    <Box
      component="section"
      className={`panel ${className ?? ''}`}
      {...(title === undefined ? {} : { 'aria-labelledby': id })}
    >
      {title === undefined ? null : (
        <Group className="panel-head" justify="space-between" gap="xs" wrap="nowrap">
          <div className="panel-words">
            <Title order={2} size="h3" id={id}>
              {title}
            </Title>
            {note === undefined ? null : <div className="panel-note">{note}</div>}
          </div>
          {actions === undefined ? null : (
            <Group gap={6} wrap="nowrap">
              {actions}
            </Group>
          )}
        </Group>
      )}
      <div className={flush ? 'panel-body flush' : 'panel-body'}>{children}</div>
    </Box>
  )
}

/** The heading of a page, with what can be done on it at the right. */
export function PageHead({
  title,
  note,
  children,
}: {
  readonly title: ReactNode
  readonly note?: ReactNode
  readonly children?: ReactNode
}) {
  return (
    <Group className="page-head" justify="space-between" align="flex-end" gap="sm">
      <div>
        <Title order={1}>{title}</Title>
        {note === undefined ? null : <div className="panel-note">{note}</div>}
      </div>
      {children === undefined ? null : <Group gap="xs">{children}</Group>}
    </Group>
  )
}
