import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Put where the server puts the nonce of an answer; see the content security policy of `src/serve`. */
const NONCE_PLACE = '__CSP_NONCE__'

/** Where `bricktrail serve` listens while the page is worked on with `npx vite web`. */
const DEVELOPMENT_API = process.env.BRICKTRAIL_URL ?? 'http://127.0.0.1:7420'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [react()],
  html: { cspNonce: NONCE_PLACE },
  build: {
    outDir: fileURLToPath(new URL('../dist/web', import.meta.url)),
    emptyOutDir: true,
    // What counts is the sum as gzip, which a test holds.
    chunkSizeWarningLimit: 700,
    target: 'es2022',
    // As data: addresses they would need an opening in the policy.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: {
    host: '127.0.0.1',
    proxy: Object.fromEntries(['/api', '/auth', '/docs', '/openapi.json'].map((path) => [path, DEVELOPMENT_API])),
  },
})
