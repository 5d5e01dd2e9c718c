/**
 * @module
 * Turns runc's failures into errors that Docker's clients understand: the docker CLI picks its exit code (126, 127) by
 * matching these texts.
 */
import { type ErrorCode, TsdError } from "../errors.ts";

/** Most of a runtime's log that is read, in bytes. */
const MAX_LOG_BYTES = 64 << 10;

/** First match wins, as in Docker: the texts are the kernel's, and Go's, as runc passes them on. */
const PATTERNS: readonly { readonly pattern: RegExp; readonly code: ErrorCode }[] = [
  { pattern: /permission denied|is a directory/i, code: "command_not_executable" },
  { pattern: /not a directory/i, code: "not_a_directory" },
  { pattern: /executable file not found|no such file or directory/i, code: "command_not_found" },
];

/** How Docker introduces the failure of each of the runtime's commands. */
const INTRODUCTIONS: Readonly<Record<string, string>> = {
  create: "failed to create task for container: failed to create shim task: OCI runtime create failed: ",
  start: "failed to start container process: OCI runtime start failed: ",
  exec: "OCI runtime exec failed: ",
  update: "OCI runtime update failed: ",
};

/** A runtime call that exited with a failure. */
export interface FailedCall {
  /** Path of the runtime. */
  readonly path: string;
  /** `create`, `start`, … */
  readonly command: string;
  readonly exitCode: number;
  /** Its JSON log, if it had one. */
  readonly log: string | undefined;
}

/** The error for a failed call. */
export async function runtimeError({ path, command, exitCode, log }: FailedCall): Promise<TsdError> {
  const said = log === undefined ? undefined : lastError(await readHead(log));
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (said === undefined) {
    return new TsdError("runtime_failed", `${name} ${command} failed with exit code ${exitCode} and said nothing`);
  }
  const code = PATTERNS.find(({ pattern }) => pattern.test(said))?.code ?? "runtime_failed";
  const introduction = INTRODUCTIONS[command];
  if (introduction === undefined) return new TsdError(code, `${name} ${command} failed: ${said}`);
  return new TsdError(code, `${introduction}${said}${hint(said)}`);
}

/**
 * What Docker puts behind it: containerd's word for errors of no known kind, and advice that belongs to the kernel's words.
 * The docker CLI tells a folder that can't be executed by the last two words.
 */
function hint(said: string): string {
  if (/is a directory/i.test(said)) return ": unknown: permission denied";
  if (!/not a directory/i.test(said)) return ": unknown";
  return ": unknown: Are you trying to mount a directory onto a file (or vice-versa)? " +
    "Check if the specified host path exists and is the expected type";
}

/** The last record of level error in runc's JSON log. */
function lastError(text: string): string | undefined {
  let message: string | undefined;
  for (const line of text.split("\n")) {
    if (!line.startsWith("{")) continue;
    try {
      const record: unknown = JSON.parse(line);
      if (isRecord(record) && (record.level === "error" || record.level === "fatal")) message = record.msg;
    } catch (thrown) {
      // A runtime that prints garbage still gets an error line; only what is JSON is quoted.
      if (!(thrown instanceof SyntaxError)) throw thrown;
    }
  }
  return message?.replaceAll("\n", " ").trim();
}

function isRecord(value: unknown): value is { level: string; msg: string } {
  return typeof value === "object" && value !== null && "level" in value && "msg" in value &&
    typeof value.msg === "string";
}

async function readHead(path: string): Promise<string> {
  try {
    using file = await Deno.open(path);
    const buffer = new Uint8Array(MAX_LOG_BYTES);
    const count = await file.read(buffer);
    return new TextDecoder().decode(buffer.subarray(0, count ?? 0));
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return "";
    throw thrown;
  }
}
