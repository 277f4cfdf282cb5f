#!/usr/bin/env node
// The command `bricktrail`, on whatever Node the host has.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isNewEnough, runOnPinnedNode } from './pinned-node.mjs'

// A clone has the sources. The package has them compiled, because Node strips no types under node_modules.
const source = new URL('../src/cli/main.ts', import.meta.url)
const program = existsSync(source) ? source : new URL('../dist/cli/main.js', import.meta.url)

if (isNewEnough) {
  const { main } = await import(program.href)
  // A reader that went away (`| head`) is no failure of ours.
  process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  process.exitCode = await main(process.argv.slice(2))
} else runOnPinnedNode(fileURLToPath(program), process.argv.slice(2))
