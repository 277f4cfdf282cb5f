/** Shows an address in the browser of the one who sits here. */
import { spawn } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Browsers that start first take some seconds. */
const READ_WITHIN_MS = 20_000

/**
 * Opens an address that is a secret: it goes through a file for its owner only, since anybody on the machine can read the arguments of a process.
 * Does nothing where there is no screen, or no program that opens addresses.
 *
 * @param folder where the file may be for a moment
 */
export async function openInBrowser(url: string, folder: string): Promise<void> {
  const opener = openerOf(process.platform, process.env)
  if (opener === undefined) return
  const file = join(folder, `open-${process.pid}.html`)
  await mkdir(folder, { recursive: true })
  await writeFile(file, `<!doctype html><meta http-equiv="refresh" content="0;url=${url.replaceAll('"', '%22')}">\n`, {
    mode: 0o600,
  })
  const [command = '', ...args] = opener
  const child = spawn(command, [...args, pathToFileURL(file).href], { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
  setTimeout(() => void rm(file, { force: true }), READ_WITHIN_MS).unref()
}

/** The command that opens an address; undefined where nothing would be seen of it. */
export function openerOf(platform: NodeJS.Platform, environment: NodeJS.ProcessEnv): readonly string[] | undefined {
  if (environment.CI !== undefined || environment.SSH_CONNECTION !== undefined) return undefined
  if (platform === 'darwin') return ['open']
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler']
  return environment.DISPLAY !== undefined || environment.WAYLAND_DISPLAY !== undefined ? ['xdg-open'] : undefined
}
