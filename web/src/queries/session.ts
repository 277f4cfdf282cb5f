/** Who is signed in. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { createContext, useContext } from 'react'
import type { Permission } from '../../../src/serve/contract.ts'
import type { Me, SignInWays } from '../../../src/serve/shapes/access.ts'
import { ApiError, ask, setCsrf, tell } from '../api.ts'

/** Who is signed in; null for nobody. */
export function useSession() {
  return useQuery({
    queryKey: ['me'],
    staleTime: 5 * 60_000,
    queryFn: async ({ signal }): Promise<Me | null> => {
      try {
        const me = await ask<Me>('/me', {}, signal)
        setCsrf(me.csrf)
        return me
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) return null
        throw error
      }
    },
  })
}

/** Given to everything behind the sign-in. */
export const MeContext = createContext<Me | null>(null)

/** Who is signed in; only behind the sign-in. */
export function useMe(): Me {
  const me = useContext(MeContext)
  if (me === null) throw new Error('Nobody is signed in here.')
  return me
}

/** Whether who is signed in may do something. */
export const useMay = (permission: Permission): boolean => useMe().permissions.includes(permission)

/** Ways to sign in that this server has. */
export const useSignInWays = () =>
  useQuery({ queryKey: ['ways'], queryFn: ({ signal }) => ask<SignInWays>('/auth/ways', {}, signal) })

/** Signs in by a token. */
export function useTokenSignIn() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (token: string) => tell<unknown>('POST', '/auth/token', { token }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['me'] }),
  })
}

/** Signs out, and forgets everything that was asked. */
export function useSignOut() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () => tell<unknown>('POST', '/auth/signout'),
    onSettled: () => {
      setCsrf(null)
      queries.clear()
      window.location.assign('/')
    },
  })
}
