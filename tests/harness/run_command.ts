/** Runs a program until it exits, with a deadline. */
import { Deadline } from "./deadline.ts";

export interface RunOptions {
  /** Default: empty. */
  readonly stdin?: string | Uint8Array | ReadableStream<Uint8Array>;
  /** The complete environment, except PATH. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Default 60 s; then the program is killed and the promise rejects. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  /** 128 + number if a signal terminated it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** @throws Error at the deadline, with the output until then */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const child = new Deno.Command(command, {
    args: [...args],
    cwd: options.cwd,
    env: { PATH: Deno.env.get("PATH") ?? "", ...options.env },
    clearEnv: true,
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const fed = options.stdin === undefined ? undefined : feed(child.stdin, options.stdin);
  const timeoutMs = options.timeoutMs ?? 60_000;
  let late = false;
  const stopped = new AbortController();
  using _deadline = new Deadline(timeoutMs).whenOver(() => {
    late = true;
    child.kill("SIGKILL");
    stopped.abort();
  });
  const [stdout, stderr, status] = await Promise.all([
    collect(child.stdout, stopped.signal),
    collect(child.stderr, stopped.signal),
    child.status,
    fed,
  ]);
  if (late) {
    throw new Error(`${command} ${args.join(" ")}: not done after ${timeoutMs} ms; stdout ${stdout}; stderr ${stderr}`);
  }
  return { code: status.code, stdout, stderr };
}

/** Reads to the end, or until `stopped`: a process that outlives the program may keep the pipe open. */
async function collect(stream: ReadableStream<Uint8Array>, stopped: AbortSignal): Promise<string> {
  const reader = stream.getReader();
  const cancel = () => void reader.cancel();
  stopped.addEventListener("abort", cancel);
  const decoder = new TextDecoder();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += decoder.decode(part.value, { stream: true });
  }
  stopped.removeEventListener("abort", cancel);
  return text + decoder.decode();
}

async function feed(
  stdin: WritableStream<Uint8Array>,
  data: string | Uint8Array | ReadableStream<Uint8Array>,
): Promise<void> {
  const stream = data instanceof ReadableStream
    ? data
    : ReadableStream.from([typeof data === "string" ? new TextEncoder().encode(data) : data]);
  try {
    await stream.pipeTo(stdin);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error; // It exited without reading everything.
  }
}
