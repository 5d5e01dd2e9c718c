/**
 * @module
 * `--log-driver` and `--log-opt`: the options of Docker's json-file driver, with its rules and texts (docs.docker.com,
 * "JSON File logging driver"). Unlike Docker's, a log without options is bounded.
 */
import type { HostConfig, LogConfig } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import type { LogSpec } from "../../runtime/logs/protocol.ts";
import { expandLogTag } from "./log_tag.ts";

/** The limits of a log without options. */
export const DEFAULT_LOG_LIMITS = { maxSizeBytes: 20_000_000, maxFiles: 5 } as const;
/** Number of files if only a size is given, as in Docker. */
const FILES_OF_GIVEN_SIZE = 1;
/** Maximum number of files; rotating more would take seconds. */
const MAX_FILES = 1000;

/** Docker's drivers that tsd does not support. */
const OTHER_DRIVERS = [
  ...["local", "syslog", "journald", "gelf", "fluentd", "awslogs", "splunk", "etwlogs", "gcplogs"],
];

/** The parts of a container that a log's attributes are taken from. */
export interface LoggedContainer {
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  readonly imageName: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Environment, as `NAME=value`. */
  readonly env: readonly string[];
  /** Entrypoint and arguments. */
  readonly command: readonly string[];
}

type Options = Readonly<Record<string, string>>;

/** The validation of each option. An attribute's value is validated when it is expanded. */
const OPTIONS: Readonly<Record<string, (value: string, options: Options) => unknown>> = {
  "max-size": parseSize,
  "max-file": parseCount,
  compress: parseCompress,
  labels: () => undefined,
  "labels-regex": (value) => parsePattern("labels-regex", value),
  env: () => undefined,
  "env-regex": (value) => parsePattern("env-regex", value),
  tag: (value) => expandLogTag(value, NOBODY),
  mode: parseMode,
};

const NOBODY: LoggedContainer = { id: "", name: "", imageId: "", imageName: "", labels: {}, env: [], command: [] };

/**
 * Validates a container's log configuration.
 * @throws {TsdError} invalid_argument, not_implemented for a driver that tsd does not support
 */
export function checkLogConfig({ LogConfig: logs }: Pick<HostConfig, "LogConfig">): void {
  const driver = logs?.Type || "json-file";
  const options = logs?.Config ?? {};
  if (OTHER_DRIVERS.includes(driver)) {
    throw new TsdError("not_implemented", `Cannot create the container: log driver ${driver} is not supported yet`);
  }
  if (driver === "none") {
    if (Object.keys(options).length > 0) throw invalid("invalid logging opts for driver none");
    return;
  }
  // Docker looks for a plugin with this name, and reports that there is none.
  if (driver !== "json-file") {
    throw invalid(`error looking up logging plugin ${driver}: plugin ${JSON.stringify(driver)} not found`);
  }
  if (options["max-buffer-size"] !== undefined) {
    throw options.mode === "non-blocking"
      ? new TsdError("not_implemented", "Cannot create the container: --log-opt max-buffer-size is not supported yet")
      : invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  }
  for (const [name, value] of Object.entries<unknown>(options)) {
    if (typeof value !== "string") throw invalid(`Invalid container configuration: log opt '${name}' must be a text`);
    if (!Object.hasOwn(OPTIONS, name)) throw invalid(`unknown log opt '${name}' for json-file log driver`);
    OPTIONS[name](value, options);
  }
}

/** Returns whether a container's output is logged. */
export function isLogged({ LogConfig: logs }: Pick<HostConfig, "LogConfig">): boolean {
  return logs?.Type !== "none";
}

/**
 * Returns the specification of the log of a container whose configuration is valid.
 * @param path of the file that is written
 */
export function logSpec(path: string, logs: LogConfig | null | undefined, container: LoggedContainer): LogSpec {
  const options = logs?.Config ?? {};
  return {
    path,
    maxSizeBytes: parseSize(options["max-size"]),
    maxFiles: parseCount(options["max-file"], options),
    compress: parseCompress(options.compress, options),
    waitForReaders: parseMode(options.mode) === "blocking",
    attrs: attributes(options, container),
  };
}

function attributes(options: Options, container: LoggedContainer): Record<string, string> {
  const env = container.env.flatMap((word): [string, string][] => {
    const equals = word.indexOf("=");
    return equals < 0 ? [] : [[word.slice(0, equals), word.slice(equals + 1)]];
  });
  const requested = (kind: "labels" | "env") => {
    const names = (options[kind] ?? "").split(",");
    const pattern = options[`${kind}-regex`];
    const expression = pattern ? parsePattern(`${kind}-regex`, pattern) : undefined;
    return ([name]: [string, string]) => names.includes(name) || (expression?.test(name) ?? false);
  };
  const tag = options.tag ? expandLogTag(options.tag, container) : "";
  return Object.fromEntries([
    ...Object.entries(container.labels).filter(requested("labels")),
    ...env.filter(requested("env")),
    ...(tag === "" ? [] : [["tag", tag]]),
  ]);
}

/** Parses a size as Docker does: decimal, so `10m` is 10,000,000 bytes (github.com/docker/go-units, FromHumanSize). */
function parseSize(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LOG_LIMITS.maxSizeBytes;
  const match = /^(-?\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text);
  if (match === null) throw failed(`invalid size: '${text}'`);
  const sizeBytes = Math.floor(Number(match[1]) * 1000 ** " kmgtp".indexOf(match[2].toLowerCase() || " "));
  if (sizeBytes <= 0) throw failed("max-size must be a positive number");
  return sizeBytes;
}

function parseCount(text: string | undefined, options: Options): number {
  if (text === undefined) {
    return options["max-size"] === undefined ? DEFAULT_LOG_LIMITS.maxFiles : FILES_OF_GIVEN_SIZE;
  }
  if (!/^[+-]?\d+$/.test(text)) throw failed(`invalid max-file: ${JSON.stringify(text)} is no whole number`);
  const count = Number(text);
  if (count < 1) throw failed("max-file cannot be less than 1");
  if (count > MAX_FILES) throw failed(`max-file cannot be more than ${MAX_FILES}`);
  return count;
}

function parseCompress(text: string | undefined, options: Options): boolean {
  if (text === undefined || ["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  if (!["1", "t", "T", "true", "TRUE", "True"].includes(text)) {
    throw failed(`invalid compress: ${JSON.stringify(text)} is neither true nor false`);
  }
  if (parseCount(options["max-file"], options) < 2) {
    throw failed("compress cannot be true when max-file is less than 2 or max-size is not set");
  }
  return true;
}

function parsePattern(option: string, text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (cause) {
    throw new TsdError("invalid_argument", `${FAILED}: invalid ${option}: ${(cause as Error).message}`, { cause });
  }
}

function parseMode(text: string | undefined): "blocking" | "non-blocking" {
  if (text === undefined || text === "" || text === "blocking") return "blocking";
  if (text === "non-blocking") return text;
  throw invalid(`logger: logging mode not supported: ${text}`);
}

/** Prefix of errors that Docker reports when a container starts. Here they are found when it is created. */
const FAILED = "failed to initialize logging driver";

const failed = (why: string) => invalid(`${FAILED}: ${why}`);
const invalid = (message: string) => new TsdError("invalid_argument", message);
