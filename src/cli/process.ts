/** The command that runs this program again: the executable, or Deno with the entry module. */
export function subcommand(): readonly string[] {
  const executable = Deno.env.get("TSD_EXECUTABLE");
  if (executable) return [executable];
  if (Deno.build.standalone) return [Deno.execPath()];
  return [Deno.execPath(), "run", "-A", "--unstable-net", decodeURIComponent(new URL(Deno.mainModule).pathname)];
}

/** The folder's name that the portable form keeps this build in, which comes from its content; undefined in other forms. */
export const portableBuild = (): string | undefined => /\/([0-9a-f]{32})\/mod\.js$/.exec(Deno.mainModule)?.[1];

/** What this program was told, behind {@link subcommand}. */
export const subcommandArguments = (): readonly string[] => Deno.args;

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

/** How a process in the background ended. */
export interface BackgroundExit {
  readonly code: number;
  /** What it wrote to its standard error before it sent that elsewhere. */
  readonly stderr: string;
}

/**
 * Starts a process that outlives this one: in `/`, with a clean environment, without our streams; making a session of its
 * own and taking its standard error elsewhere is its part. This process need not wait for it.
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

/** How a program ended. */
export interface ProgramResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program of this machine to its end, with `input` on its standard input. One that isn't there ends with 127, as in
 * a shell.
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
    // A program may end without reading all of it.
    if (!(thrown instanceof Deno.errors.BrokenPipe)) throw thrown;
  }
}

/** The effective user's id. */
export const userId = (): number | null => Deno.uid();

/** Ends the process at once, whatever is still pending (a read of standard input, most of all). */
export function exit(code: number): never {
  Deno.exit(code);
}
