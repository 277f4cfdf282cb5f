/** Questions as hooks: one for what is read, one for what is changed. */
import {
  type InfiniteData,
  keepPreviousData,
  type QueryKey,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import { type ApiError, ask, type Params, tell } from '../api.ts'

/** Choices of {@link useAsk}. */
export interface AskChoices {
  /** False leaves it unasked. */
  readonly enabled?: boolean
  /** Shows the answer to the question before while a new one is on its way. */
  readonly keepPrevious?: boolean
  /** Asks again this often. */
  readonly everyMs?: number
}

/** The key of a question; `useTell` takes beginnings of it as what is out of date. */
export const keyOf = (path: string, params: Params = {}): QueryKey => [...path.split('/').slice(1), params]

/** Asks for what a route answers. A question that nobody waits for any longer is cancelled. */
export const useAsk = <T>(path: string, params: Params = {}, choices: AskChoices = {}) =>
  useQuery<T, ApiError>({
    queryKey: keyOf(path, params),
    queryFn: ({ signal }) => ask<T>(path, params, signal),
    enabled: choices.enabled ?? true,
    ...(choices.keepPrevious === true ? { placeholderData: keepPreviousData } : {}),
    ...(choices.everyMs === undefined ? {} : { refetchInterval: choices.everyMs }),
  })

/** What the pages of a list have in common. */
interface Page {
  readonly nextCursor: string | null
}

/** Asks for a list page by page; a question that changed shows the answer before until its own is there. */
export const usePages = <P extends Page>(path: string, params: Params = {}) =>
  useInfiniteQuery<P, ApiError, readonly P[], QueryKey, string | null>({
    queryKey: [...keyOf(path, params), 'pages'],
    initialPageParam: null,
    queryFn: ({ pageParam, signal }) => ask<P>(path, { ...params, cursor: pageParam }, signal),
    getNextPageParam: ({ nextCursor }) => nextCursor,
    select: pagesOf,
    placeholderData: keepPreviousData,
  })

const pagesOf = <P>({ pages }: InfiniteData<P, string | null>): readonly P[] => pages

/** One thing to tell the server. */
export interface Told {
  readonly method: 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body?: unknown
}

/** Tells the server something; afterwards questions whose key begins with one of `outdated` are asked anew. */
export function useTell<T>(outdated: readonly QueryKey[] = []) {
  const queries = useQueryClient()
  return useMutation<T, ApiError, Told>({
    mutationFn: ({ method, path, body }) => tell<T>(method, path, body),
    onSuccess: async () => {
      await Promise.all(outdated.map((queryKey) => queries.invalidateQueries({ queryKey })))
    },
  })
}
