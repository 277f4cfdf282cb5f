/** Parameters beyond 100 KB: their values are cut, and rarely the whole map is. */
import type { Routine } from './contract.ts'

/** Beyond this many bytes of parameters the platform cuts values. */
const LIMIT_BYTES = 100 * 1024

const longStatement: Routine = {
  id: 'oversized-statement',
  perDay: 1.5,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const analyst = colleague(['analyst'])
    if (analyst === undefined) return
    const warehouseId = account.warehouses[1]?.id as string
    const thread = sit(analyst, account.prod)
    const commandId = random.uuid()
    if (random.chance(0.25)) {
      thread.log('databrickssql', 'commandSubmit', { TRUNCATED: '' })
      return
    }
    let text = 'SELECT store_id, SUM(net_amount) FROM main.sales.orders WHERE order_id IN ('
    while (text.length < LIMIT_BYTES) text += `${random.digits(12)}, `
    thread.log('databrickssql', 'commandSubmit', {
      commandText: `${text.slice(0, LIMIT_BYTES - 200)}... truncated`,
      warehouseId,
      commandId,
    })
    thread.wait(2, 30).log('databrickssql', 'commandFinish', { warehouseId, commandId })
  },
}

/** Routines of this file. */
export const OVERSIZED_ROUTINES: readonly Routine[] = [longStatement]
