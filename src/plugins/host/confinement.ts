/**
 * @module
 * What a plugin's process may do, where that can't be said with Deno's flags: the compiled executable has all permissions. Then
 * the process gives away whole kinds of them, and the plugin is loaded in a Worker that has what is left, and of that only what
 * was granted. (The Worker is no boundary against loops and memory; the process is.)
 */

/** The Worker's name, by which its module knows what it is. */
export const HOST_WORKER = "tsd-plugin-host";

/** Deno's permissions that can be given away. */
const KINDS = ["net", "read", "write", "env", "run", "ffi", "sys", "import"] as const;

/** Lists of what was granted, by kind. */
type Granted = Readonly<Partial<Record<typeof KINDS[number], readonly string[]>>>;

/** Runs the host's module in a confined Worker until the engine closes its end. */
export async function runConfined(host: URL, granted: Granted): Promise<void> {
  for (const name of KINDS) if ((granted[name] ?? []).length === 0) await Deno.permissions.revoke({ name } as never);
  const permissions = Object.fromEntries(KINDS.map((kind) => [kind, granted[kind] ?? false]));
  // Deno's own option, which the types of Workers know only with its unstable part.
  const options = { type: "module", name: HOST_WORKER, deno: { permissions } } as WorkerOptions;
  const over = Promise.withResolvers<void>();
  const worker = new Worker(host, options);
  worker.onmessage = () => over.resolve();
  worker.onerror = (event) => over.reject(new Error(event.message));
  await over.promise;
}
