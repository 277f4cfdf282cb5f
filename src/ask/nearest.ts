/** Which known words somebody may have meant: what questions and settings share. */
export { editDistance, nearest } from '../core/nearest.ts'
