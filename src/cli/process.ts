/** The command that runs this program again: the executable, or Deno with the entry module. */
export function ownCommand(): readonly string[] {
  const executable = Deno.env.get("TSD_EXECUTABLE");
  if (executable) return [executable];
  if (Deno.build.standalone) return [Deno.execPath()];
  return [Deno.execPath(), "run", "-A", decodeURIComponent(new URL(Deno.mainModule).pathname)];
}

/** Environment variables that a process in the background may inherit: what finds files and what reaches a network. */
const INHERITED = [
  "HOME",
  "DENO_DIR",
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "TSD_EXECUTABLE",
  "TSD_CACHE_DIR",
];
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Starts a process that outlives this one: a session of its own, in `/`, without our streams and with a clean
 * environment. This process need not wait for it.
 */
export function startInBackground([program, ...args]: readonly string[]): { readonly exited: Promise<number> } {
  const env: Record<string, string> = { PATH: SYSTEM_PATH };
  for (const name of INHERITED) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  const child = new Deno.Command(program, {
    args,
    env,
    clearEnv: true,
    cwd: "/",
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  child.unref();
  return { exited: child.status.then(({ code }) => code) };
}

/** The effective user's id. */
export const userId = (): number | null => Deno.uid();

/** Ends the process at once, whatever is still pending (a read of standard input, most of all). */
export function exit(code: number): never {
  Deno.exit(code);
}
