/** The enricher registry; a test compares it with the folder. */
import type { Enricher } from './contract.ts'
import { client } from './enrichers/client.ts'
import { network } from './enrichers/network.ts'

/** Every enricher. */
export const ENRICHERS: readonly Enricher[] = [client, network]
