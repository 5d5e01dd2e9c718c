/**
 * @module
 * Converts runc's failures to the errors that Docker's clients expect: the docker CLI chooses its exit code (126, 127)
 * by matching these texts.
 */
import { dirname } from "node:path";
import { type ErrorCode, TsdError } from "../errors.ts";
import { exists } from "../io/if_exists.ts";

/** Maximum number of bytes read from a runtime's log. */
const MAX_LOG_BYTES = 64 << 10;

/** The first match wins, as in Docker. The texts are the kernel's and Go's, which runc passes on. */
const PATTERNS: readonly { readonly pattern: RegExp; readonly code: ErrorCode }[] = [
  { pattern: /permission denied|is a directory/i, code: "command_not_executable" },
  { pattern: /not a directory/i, code: "not_a_directory" },
  { pattern: /executable file not found|no such file or directory/i, code: "command_not_found" },
];

/** Docker's prefix for the failure of each runtime command. */
const PREFIXES: Readonly<Record<string, string>> = {
  create: "failed to create task for container: failed to create shim task: OCI runtime create failed: ",
  start: "failed to start container process: OCI runtime start failed: ",
  exec: "OCI runtime exec failed: ",
  update: "OCI runtime update failed: ",
};

/** A runtime call that exited with a non-zero code. */
export interface FailedCall {
  /** Path of the runtime. */
  readonly path: string;
  /** `create`, `start`, … */
  readonly command: string;
  readonly exitCode: number;
  /** Path of the call's JSON log, if it had one. */
  readonly log: string | undefined;
}

/** Returns the error for a failed call, with the last error of its log. */
export async function toRuntimeError({ path, command, exitCode, log }: FailedCall): Promise<TsdError> {
  const message = log === undefined ? undefined : lastError(await readHead(log));
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (message === undefined && log !== undefined && !exists(dirname(log))) {
    return new TsdError("runtime_failed", `${name} ${command} failed: ${dirname(log)} was removed meanwhile`);
  }
  if (message === undefined) {
    return new TsdError("runtime_failed", `${name} ${command} failed with exit code ${exitCode} and said nothing`);
  }
  const code = PATTERNS.find(({ pattern }) => pattern.test(message))?.code ?? "runtime_failed";
  const prefix = PREFIXES[command];
  if (prefix === undefined) return new TsdError(code, `${name} ${command} failed: ${message}`);
  return new TsdError(code, `${prefix}${message}${hint(message)}`);
}

/**
 * Returns the suffix that Docker appends: containerd's `unknown` for errors without a known class, and advice for
 * certain kernel errors. The docker CLI recognizes a directory that can't be executed by the last two words.
 */
function hint(message: string): string {
  if (/is a directory/i.test(message)) return ": unknown: permission denied";
  if (!/not a directory/i.test(message)) return ": unknown";
  return ": unknown: Are you trying to mount a directory onto a file (or vice-versa)? " +
    "Check if the specified host path exists and is the expected type";
}

/** Returns the message of the last record of level error or fatal in runc's JSON log. */
function lastError(text: string): string | undefined {
  let message: string | undefined;
  for (const line of text.split("\n")) {
    if (!line.startsWith("{")) continue;
    try {
      const record: unknown = JSON.parse(line);
      if (isRecord(record) && (record.level === "error" || record.level === "fatal")) message = record.msg;
    } catch (thrown) {
      // Lines that aren't JSON are skipped: the error of a runtime that prints garbage quotes only its valid records.
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
