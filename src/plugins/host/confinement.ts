/**
 * @module
 * Confines a plugin's process where Deno's flags can't: the compiled executable has all permissions. The process drops
 * whole kinds of permissions, then loads the plugin in a Worker with the granted part of the remaining ones. (The
 * Worker does not limit CPU or memory; the process does.)
 */

/** Name of the Worker, by which the host's module recognizes that it runs in it. */
export const HOST_WORKER = "tsd-plugin-host";

/** Deno's permissions that can be revoked. */
const KINDS = ["net", "read", "write", "env", "run", "ffi", "sys", "import"] as const;

/** Granted values by permission. */
type Granted = Readonly<Partial<Record<typeof KINDS[number], readonly string[]>>>;

/** Runs the host's module in a confined Worker until the engine closes the connection. */
export async function runConfined(host: URL, granted: Granted): Promise<void> {
  for (const name of KINDS) if ((granted[name] ?? []).length === 0) await Deno.permissions.revoke({ name } as never);
  const permissions = Object.fromEntries(KINDS.map((kind) => [kind, granted[kind] ?? false]));
  // The option `deno` is declared in the unstable types only.
  const options = { type: "module", name: HOST_WORKER, deno: { permissions } } as WorkerOptions;
  const finished = Promise.withResolvers<void>();
  const worker = new Worker(host, options);
  worker.onmessage = () => finished.resolve();
  worker.onerror = (event) => finished.reject(new Error(event.message));
  await finished.promise;
}
