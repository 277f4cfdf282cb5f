/** Who runs this process, as the system knows them. */
import { userInfo } from 'node:os'

/** The name of the system's user; its number where it has no name, as in many containers. */
export function systemUser(): string {
  try {
    return userInfo().username
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`
  }
}
