/** The way to the next page of a list. */
import { Button } from '@mantine/core'

/** Stands below a list as long as there is more of it. */
export function MoreButton({
  query,
}: {
  readonly query: {
    readonly hasNextPage: boolean
    readonly isFetchingNextPage: boolean
    readonly fetchNextPage: () => unknown
  }
}) {
  if (!query.hasNextPage) return null
  return (
    <Button variant="subtle" fullWidth loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
      Show more
    </Button>
  )
}
