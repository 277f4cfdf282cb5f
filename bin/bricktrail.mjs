#!/usr/bin/env node
// Runs the TypeScript sources on the Node that the project pins, whatever the host's version is.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = join(dirname(fileURLToPath(import.meta.url)), '..', 'src', 'cli', 'main.ts')
const [major = 0] = process.versions.node.split('.').map(Number)

function pinnedNode() {
  try {
    const root = dirname(createRequire(import.meta.url).resolve('node/package.json'))
    const binary = join(root, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(binary) ? binary : undefined
  } catch {
    return undefined
  }
}

if (major >= 24) {
  await import(main)
} else {
  const node = pinnedNode()
  if (node === undefined) {
    console.error(`error: bricktrail needs Node 24 or newer and this is ${process.version}.`)
    console.error('hint: run `npm ci` again without --ignore-scripts: the package `node` brings the right version.')
    process.exit(3)
  }
  const child = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  process.exit(child.status ?? 1)
}
