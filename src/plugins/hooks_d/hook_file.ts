/**
 * @module
 * Parses a JSON file of a hooks.d directory, version 1.0.0, as Podman and CRI-O read it: a program, the stages at which
 * the runtime runs it, and conditions on the container. Field names are matched as by Go's decoder, and unknown fields
 * are ignored.
 */
import { TsdError } from "../../errors.ts";
import { decode, type Decoded, isObject, type Shape } from "../../json/decode.ts";
import type { OciHook } from "../../runtime/spec/mod.ts";
import { type Stage, STAGES } from "../answers.ts";
import { goPattern } from "./patterns.ts";

const VERSION = "1.0.0";
/**
 * A stage of Podman only: a program that rewrites the configuration. Only containers that its conditions match are
 * refused.
 */
const PRECREATE = "precreate";

/** The properties of a container that conditions match. */
export interface HookedContainer {
  readonly annotations: Readonly<Record<string, string>>;
  /** The first element of its command line. */
  readonly command: string;
  /** Whether the client requested bind mounts. */
  readonly hasBindMounts: boolean;
}

export interface HookFile {
  readonly hook: OciHook;
  readonly stages: readonly Stage[];
  /** Whether it has a stage that only Podman supports. */
  readonly isExternal: boolean;
  /** Whether the conditions match this container. */
  matches(container: HookedContainer): boolean;
}

/** The fields of a file before validation. */
interface FileFields {
  readonly version?: unknown;
  readonly hook?: {
    readonly path?: unknown;
    readonly args?: unknown;
    readonly env?: unknown;
    readonly timeout?: unknown;
  };
  readonly when?: {
    readonly always?: unknown;
    readonly annotations?: unknown;
    readonly commands?: unknown;
    readonly hasBindMounts?: unknown;
  };
  readonly stages?: unknown;
}

const SHAPE: Shape<FileFields> = {
  version: "anything",
  hook: { object: { path: "anything", args: "anything", env: "anything", timeout: "anything" } },
  when: { object: { always: "anything", annotations: "anything", commands: "anything", hasBindMounts: "anything" } },
  stages: "anything",
};

type Condition = (container: HookedContainer) => boolean;

/**
 * Parses and validates a file.
 * @throws {TsdError} invalid_argument, without the file's name
 */
export function parseHookFile(text: string): HookFile {
  const file = decode(parsed(text), SHAPE, (path) => wrong(`${path || "it"} is no object`));
  if (file.version !== VERSION) {
    throw wrong(`its version is ${JSON.stringify(file.version)}, and ${VERSION} is the one that is known`);
  }
  if (file.hook === undefined) throw wrong("hook is no object");
  const { path, args, env, timeout } = file.hook;
  if (typeof path !== "string" || !path.startsWith("/")) throw wrong("hook.path is no absolute path");
  if (timeout !== undefined && !(Number.isInteger(timeout) && Number(timeout) > 0)) {
    throw wrong("hook.timeout is no positive whole number");
  }
  const hook: OciHook = {
    path,
    ...args !== undefined && { args: texts(args, "hook.args") },
    ...env !== undefined && { env: texts(env, "hook.env") },
    ...timeout !== undefined && { timeout: Number(timeout) },
  };
  if (file.when === undefined) throw wrong("when is no object");
  const conditions = conditionsOf(file.when);
  return {
    hook,
    stages: stagesOf(file.stages),
    isExternal: texts(file.stages, "stages").includes(PRECREATE),
    // A hook without conditions matches no container.
    matches: (container) => conditions.length > 0 && conditions.every((holds) => holds(container)),
  };
}

function stagesOf(given: unknown): readonly Stage[] {
  return texts(given, "stages").filter((name) => name !== PRECREATE).map((name) => {
    const stage = STAGES.find((each) => each === name);
    if (stage === undefined) throw wrong(`there is no stage ${name}; there are ${STAGES.join(", ")}`);
    return stage;
  });
}

/** Returns the conditions, all of which have to hold. */
function conditionsOf(
  { always, annotations, commands, hasBindMounts }: NonNullable<Decoded<FileFields>["when"]>,
): Condition[] {
  const conditions: Condition[] = [];
  if (always !== undefined) {
    const holds = flagIn(always, "when.always");
    conditions.push(() => holds);
  }
  if (hasBindMounts !== undefined) {
    const requested = flagIn(hasBindMounts, "when.hasBindMounts");
    conditions.push((container) => requested && container.hasBindMounts);
  }
  for (
    const [key, value] of Object.entries(annotations === undefined ? {} : objectIn(annotations, "when.annotations"))
  ) {
    if (typeof value !== "string") throw wrong(`when.annotations.${key} is no text`);
    const [name, content] = [goPattern(key), goPattern(value)];
    conditions.push((container) =>
      Object.entries(container.annotations).some(([each, its]) => name.test(each) && content.test(its))
    );
  }
  const patterns = commands === undefined ? [] : texts(commands, "when.commands").map(goPattern);
  if (patterns.length > 0) conditions.push(({ command }) => patterns.some((pattern) => pattern.test(command)));
  return conditions;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) throw wrong("it is not JSON");
    throw thrown;
  }
}

function objectIn(value: unknown, what: string): Record<string, unknown> {
  if (isObject(value)) return value;
  throw wrong(`${what} is no object`);
}

function texts(value: unknown, what: string): readonly string[] {
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value;
  throw wrong(`${what} is no list of texts`);
}

function flagIn(value: unknown, what: string): boolean {
  if (typeof value === "boolean") return value;
  throw wrong(`${what} is neither true nor false`);
}

const wrong = (why: string) => new TsdError("invalid_argument", why);
