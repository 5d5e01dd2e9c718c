/**
 * @module
 * tsd as a library and, if this is the main module, the executable. The library offers a client of the Engine API
 * ({@link connect}) and the engine itself ({@link serve}). Both are loaded when they are called: importing this module
 * loads the error table only.
 */
import type { Client } from "./src/client/mod.ts";
import type { ServeOptions } from "./src/commands/context.ts";

export { type ErrorCode, type ErrorMeaning, isTsdError, TsdError } from "./src/errors.ts";
export type * as apiTypes from "./src/api_types/mod.ts";
export type * from "./src/client/mod.ts";
export type { ServeOptions } from "./src/commands/context.ts";

/**
 * Returns a client of the engine at `host` (`unix:///path/to.sock`, `tcp://127.0.0.1:PORT`; the default engine if not
 * given). Does not start an engine.
 * @throws {TsdError} usage for an invalid address
 */
export async function connect(host?: string): Promise<Client> {
  const { Client, connectorTo, DEFAULT_SOCKET, hostHeader, HttpTransport, parseHost } = await import(
    "./src/client/mod.ts"
  );
  const address = parseHost(host ?? `unix://${DEFAULT_SOCKET}`);
  return new Client(new HttpTransport(connectorTo(address), hostHeader(address)));
}

/** Runs an engine in this process until it is stopped; resolves to an exit code. */
export async function serve(options: ServeOptions = {}): Promise<number> {
  if (options.names !== undefined) return await serveDns(options.names);
  const engine = await import("./src/serve.ts");
  return await engine.serve(options);
}

/** Runs the embedded DNS server, in a process that loads nothing else. */
async function serveDns(socketPath: string): Promise<number> {
  const [{ serveNames }, { LineLog }] = await Promise.all([
    import("./src/network/dns/serve_names.ts"),
    import("./src/log.ts"),
  ]);
  const log = new LineLog((line) => Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`)));
  await serveNames(socketPath, log);
  return 0;
}

if (import.meta.main && Deno.args[0] === "plugin-host") {
  // The process of a plugin in the compiled form, started by the engine: see src/engine/plugins/plugin_command.ts.
  const { runConfined } = await import("./src/plugins/host/confinement.ts");
  const { workerUrl } = await import("./src/worker_entry.ts");
  await runConfined(workerUrl("pluginHost"), JSON.parse(Deno.args[1] ?? "{}"));
  Deno.exit(0);
} else if (import.meta.main) {
  const { main } = await import("./src/commands/main.ts");
  await main(Deno.args, serve);
}
