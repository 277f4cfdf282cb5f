/** SQL over a lake, wherever that is: in a home of this machine, or behind a server. */
import type { Sandbox } from '../engine/sandbox.ts'

/** Runs statements over `events`, `findings`, `rejects` and `objects`. A {@link Sandbox} is one. */
export type LakeSql = Pick<Sandbox, 'query' | 'stream' | 'toParquet' | 'close'>

/** As {@link LakeSql}, for those who hold the whole answer. */
export type LakeQuery = Pick<LakeSql, 'query'>
