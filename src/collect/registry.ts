/** Every source. A test compares this list with the folder. */
import type { Source } from './contract.ts'
import { files } from './sources/files.ts'
import { stdin } from './sources/stdin.ts'

export const SOURCES: readonly Source[] = [stdin, files]
