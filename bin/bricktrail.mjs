#!/usr/bin/env node
// The command `bricktrail`, on whatever Node the host has.
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'
import { isNewEnough, runOnPinnedNode } from './pinned-node.mjs'

// A clone has the sources. The package has them compiled, because Node strips no types under node_modules.
const source = new URL('../src/cli/main.ts', import.meta.url)

if (!isNewEnough) runOnPinnedNode(fileURLToPath(import.meta.url), process.argv.slice(2))
else if (existsSync(source)) {
  // Stripping types takes longer than all else a short command does. What it makes is kept where only those can write
  // who can write the sources too: the system's own folder for it is open to everybody.
  if (process.env.NODE_COMPILE_CACHE === undefined) {
    const cache = fileURLToPath(new URL('../node_modules/.cache/bricktrail', import.meta.url))
    module.enableCompileCache(cache)
    // Threads do not take it over from the program; they look here.
    process.env.NODE_COMPILE_CACHE = cache
  }
  await run(source)
} else await run(new URL('../dist/cli/main.js', import.meta.url))

async function run(program) {
  const { runProcess } = await import(program.href)
  await runProcess()
}
