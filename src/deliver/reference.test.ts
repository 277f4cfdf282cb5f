import { expect, it } from 'vitest'
import { destinationsPage } from './reference.fixture.ts'

// Run with `-u` to write the page anew.
it('the reference of destinations is that of the program', async () => {
  await expect(destinationsPage()).toMatchFileSnapshot('../../docs/reference/destinations.md')
})
