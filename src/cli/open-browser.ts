/** Shows an address in the browser of the one who sits here. */
import { spawn } from 'node:child_process'

/** Does nothing where there is no screen, or no program that opens addresses. */
export function openInBrowser(url: string): void {
  const opener = openerOf(process.platform, process.env)
  if (opener === undefined) return
  const [command = '', ...args] = opener
  const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}

/** The command that opens an address; undefined where nothing would be seen of it. */
export function openerOf(platform: NodeJS.Platform, environment: NodeJS.ProcessEnv): readonly string[] | undefined {
  if (environment.CI !== undefined || environment.SSH_CONNECTION !== undefined) return undefined
  if (platform === 'darwin') return ['open']
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler']
  return environment.DISPLAY !== undefined || environment.WAYLAND_DISPLAY !== undefined ? ['xdg-open'] : undefined
}
