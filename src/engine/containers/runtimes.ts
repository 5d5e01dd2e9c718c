/**
 * @module
 * The OCI runtimes of an engine by name: `runc`, and those of its configuration. A container keeps to the one that it was
 * created with. Each has a state folder of its own.
 */
import type { HostConfig } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import type { OciRuntime } from "../../runtime/oci_runtime.ts";
import { namesIn } from "../directories.ts";
import { type EnginePaths, runtimeRoot } from "../paths.ts";

export const STOCK_RUNTIME = "runc";
/** Docker's other name for it. */
const ALIASES: Readonly<Record<string, string>> = { "io.containerd.runc.v2": STOCK_RUNTIME };

/** How a runtime is called. */
export interface RuntimeProgram {
  /** Absolute. */
  readonly path: string;
  /** Come before its command. */
  readonly args: readonly string[];
}

interface Entry {
  readonly program: RuntimeProgram;
  readonly runtime: OciRuntime;
}

/** What is read of a container. */
interface Owner {
  readonly record: { readonly hostConfig: Pick<HostConfig, "Runtime"> };
}

/** See the module's comment. */
export class Runtimes {
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly defaultName: string;

  constructor(
    programs: ReadonlyMap<string, RuntimeProgram>,
    defaultName: string,
    make: (name: string, program: RuntimeProgram) => OciRuntime,
  ) {
    this.#entries = new Map([...programs].map(([name, program]) => [name, { program, runtime: make(name, program) }]));
    this.defaultName = defaultName;
  }

  /** All of them, by name. */
  get programs(): Readonly<Record<string, RuntimeProgram>> {
    return Object.fromEntries([...this.#entries].map(([name, { program }]) => [name, program]));
  }

  /** The name that a new container is recorded with. @throws {TsdError} invalid_argument, with Docker's text */
  choose({ Runtime }: Pick<HostConfig, "Runtime">): string {
    const name = Runtime || this.defaultName;
    if (this.named(name) === undefined) throw unknown(name);
    return name;
  }

  /** A container's. @throws {TsdError} invalid_argument: it is not in the configuration any more */
  of({ record }: Owner): OciRuntime {
    const name = record.hostConfig.Runtime || STOCK_RUNTIME;
    const runtime = this.named(name);
    if (runtime === undefined) throw unknown(name);
    return runtime;
  }

  /** A container's, where the configuration still has it. */
  ofIfKnown({ record }: Owner): OciRuntime | undefined {
    return this.named(record.hostConfig.Runtime || STOCK_RUNTIME);
  }

  named(name: string): OciRuntime | undefined {
    return this.#entries.get(ALIASES[name] ?? name)?.runtime;
  }
}

/** State folders that there are, with the runtime's name. */
export async function stateRoots(paths: EnginePaths): Promise<{ readonly name: string; readonly dir: string }[]> {
  const names = (await namesIn(paths.runDir)).flatMap((dir) => /^runtime-(.+)$/.exec(dir)?.[1] ?? []);
  return [STOCK_RUNTIME, ...names].map((name) => ({ name, dir: runtimeRoot(paths, name) }));
}

const unknown = (name: string) => new TsdError("invalid_argument", `unknown or invalid runtime name: ${name}`);
