/** Every enricher. A test compares this list with the folder. */
import type { Enricher } from './contract.ts'
import { client } from './enrichers/client.ts'
import { network } from './enrichers/network.ts'

export const ENRICHERS: readonly Enricher[] = [client, network]
