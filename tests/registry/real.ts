/** Debian's `docker-registry` on a free loopback port, with a private directory; stopped and removed on disposal. */
import { Deadline } from "../harness/mod.ts";
import { removeTree } from "../images/test_cache.ts";

export interface RealRegistry extends AsyncDisposable {
  /** `127.0.0.1:<port>`, as used in a reference. */
  readonly host: string;
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly pid: number;
  /** Its configuration, storage and log (`registry.log`). */
  readonly dir: string;
}

export interface RealRegistryOptions {
  /** Created and removed again by default. */
  readonly dir?: string;
  /** A fixed port of 127.0.0.1; by default a free one. */
  readonly port?: number;
  /** Requires the credentials of {@link REAL_ACCOUNT}. */
  readonly private?: boolean;
}

/** The account of a private registry. */
export const REAL_ACCOUNT = { username: "tester", password: "pä:ss word" } as const;
/** The account in htpasswd format (bcrypt, at its least cost). */
const HTPASSWD = "tester:$2y$04$X20e6nAPB81l5d0bx6LZXeTPU0eZB4hPLhzGfS9KR25yHC58RkSV2";

const READY_TIMEOUT_MS = 15_000;

/** Starts the registry and waits until it answers. @throws Error with the registry's log if it does not */
export async function startRealRegistry(options: RealRegistryOptions = {}): Promise<RealRegistry> {
  const dir = options.dir ?? await Deno.makeTempDir({ prefix: "tsd-registry-" });
  await using undo = new AsyncDisposableStack();
  if (!options.dir) undo.defer(() => removeTree(dir));
  const port = options.port ?? freePort();
  const host = `127.0.0.1:${port}`;
  await Deno.writeTextFile(`${dir}/htpasswd`, `${HTPASSWD}\n`);
  await Deno.writeTextFile(`${dir}/config.yml`, configuration(dir, host, options.private ?? false));
  const child = new Deno.Command("docker-registry", {
    args: ["serve", `${dir}/config.yml`],
    env: { OTEL_TRACES_EXPORTER: "none" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const logged = child.stderr.pipeTo((await Deno.create(`${dir}/registry.log`)).writable);
  undo.defer(() => stop(child, logged));
  await ready(`http://${host}/v2/`, child, dir);
  const owned = undo.move();
  return { host, url: `http://${host}`, pid: child.pid, dir, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Returns a TCP port of 127.0.0.1 that is currently free. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function configuration(dir: string, host: string, isPrivate: boolean): string {
  return [
    "version: 0.1",
    "log: { accesslog: { disabled: true }, level: warn }",
    `storage: { filesystem: { rootdirectory: ${JSON.stringify(`${dir}/storage`)} }, delete: { enabled: true } }`,
    `http: { addr: ${JSON.stringify(host)} }`,
    ...isPrivate ? [`auth: { htpasswd: { realm: private, path: ${JSON.stringify(`${dir}/htpasswd`)} } }`] : [],
    "",
  ].join("\n");
}

async function ready(url: string, child: Deno.ChildProcess, dir: string): Promise<void> {
  const deadline = new Deadline(READY_TIMEOUT_MS);
  const exited = child.status.then(() => true);
  while (!deadline.isOver) {
    if (await answers(url)) return;
    if (await Promise.race([exited, pause(50)])) break;
  }
  throw new Error(`docker-registry did not answer on ${url}: ${await Deno.readTextFile(`${dir}/registry.log`)}`);
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.ok || response.status === 401;
  } catch (error) {
    if (error instanceof TypeError) return false; // fetch: connection refused
    throw error;
  }
}

async function stop(child: Deno.ChildProcess, logged: Promise<void>): Promise<void> {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // It has exited already.
  }
  await child.status;
  await logged;
}

const pause = (ms: number): Promise<false> => new Promise((resolve) => setTimeout(() => resolve(false), ms));
