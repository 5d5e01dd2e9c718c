/** Returns the command line that runs this program again: the executable, or Deno with the entry module. */
export function subcommand(): readonly string[] {
  const executable = Deno.env.get("TSD_EXECUTABLE");
  if (executable) return [executable];
  if (Deno.build.standalone) return [Deno.execPath()];
  return [Deno.execPath(), "run", "-A", "--unstable-net", decodeURIComponent(new URL(Deno.mainModule).pathname)];
}

/**
 * Returns the name of the directory from which the portable form runs this build: a hash of its content. Undefined in
 * other forms.
 */
export const portableBuild = (): string | undefined => /\/([0-9a-f]{32})\/mod\.js$/.exec(Deno.mainModule)?.[1];

/** Returns this process's arguments, those after {@link subcommand}. */
export const subcommandArguments = (): readonly string[] => Deno.args;

/** Environment variables that a background process inherits: locations of files and settings for network access. */
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

/** How a background process exited. */
export interface BackgroundExit {
  readonly code: number;
  /** What it wrote to standard error before redirecting it. */
  readonly stderr: string;
}

/**
 * Starts a process that outlives this one, in `/`, with a clean environment and without this process's streams. It must
 * itself create a session (setsid) and redirect its standard error. It doesn't keep this process alive.
 */
export function startInBackground([program, ...args]: readonly string[]): { readonly exited: Promise<BackgroundExit> } {
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
    stderr: "piped",
  }).spawn();
  child.unref();
  const stderr = new Response(child.stderr).text();
  return { exited: child.status.then(async ({ code }) => ({ code, stderr: await stderr })) };
}

/** A program's exit code and output. */
export interface ProgramResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program on this machine until it exits, with `input` on its standard input. A program that doesn't exist has exit
 * code 127, as in a shell.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { input }: { readonly input?: string } = {},
): Promise<ProgramResult> {
  const stdin = input === undefined ? "null" : "piped";
  try {
    const child = new Deno.Command(program, { args: [...args], stdin, stdout: "piped", stderr: "piped" }).spawn();
    const fed = input === undefined ? undefined : feed(child.stdin, input);
    const { code, stdout, stderr } = await child.output();
    await fed;
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    return { code: 127, stdout: "", stderr: `${program}: command not found` };
  }
}

async function feed(stdin: WritableStream<Uint8Array>, input: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  } catch (thrown) {
    // A program can exit without reading all input.
    if (!(thrown instanceof Deno.errors.BrokenPipe)) throw thrown;
  }
}

/** Returns the effective user's id. */
export const userId = (): number | null => Deno.uid();

/** Exits the process at once, without waiting for pending operations (such as a read from standard input). */
export function exit(code: number): never {
  Deno.exit(code);
}
