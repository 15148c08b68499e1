/** Static pages, which a server renders during the build. */
export default defineNuxtConfig({
  compatibilityDate: '2026-11-01',
  telemetry: false,
  devtools: { enabled: false },
  // The page has no data. This version of Nuxt keeps them under keys that its storage no longer accepts.
  experimental: { payloadExtraction: false },
  app: { head: { link: [{ rel: 'icon', href: 'data:,' }] } },
  vue: { compilerOptions: { isCustomElement: (tag) => tag === 'oss-upload' } },
})
