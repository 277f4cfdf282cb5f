/** The source registry; a test compares it with the folder. */
import type { Source } from './contract.ts'
import { files } from './sources/files.ts'
import { stdin } from './sources/stdin.ts'

/** Every source, the more telling specification first. */
export const SOURCES: readonly Source[] = [stdin, files]
