/**
 * @module
 * Plugins in WebAssembly. The interface is small: JSON (UTF-8) in the module's memory.
 *
 * The module exports
 * - `memory`;
 * - `tsd_alloc(size: i32) -> i32`: allocates space for the next call's input, which the module may reuse after the
 *   call;
 * - `tsd_manifest() -> i64`: returns the plugin's manifest; `hooks` is the list of its hooks;
 * - `tsd_hook(address: i32, size: i32) -> i64`: handles a call, `{"hook": …, "context": …, "config": …}`. The answer is
 *   `{"value": …}` or `{"error": "why"}`; an address of 0 stands for no answer.
 *
 * An i64 is an address in the upper and a size in the lower 32 bits. The module may import `tsd.log(level, address,
 * size)` (0 debug, 1 info, 2 warn, 3 error) and `env.abort`, which AssemblyScript's modules need. There are no other
 * imports: no files, no network, no clock.
 */
import { LOG_LEVELS, type PluginLogLevel } from "./messages.ts";
import type { Handler, LoadedPlugin } from "./loading.ts";

/** Writes a line to the plugin's log. */
export type WriteLog = (level: PluginLogLevel, line: string) => void;

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly tsd_alloc: (size: number) => number;
  readonly tsd_manifest: () => bigint;
  readonly tsd_hook: (address: number, size: number) => bigint;
}

/**
 * Compiles a module and reads its manifest.
 * @throws Error with a message for the plugin's author
 */
export async function loadWasmPlugin(code: Uint8Array<ArrayBuffer>, log: WriteLog): Promise<LoadedPlugin> {
  const plugin = new WasmPlugin(await WebAssembly.compile(code), log);
  const { manifest } = plugin;
  const { hooks } = manifest;
  const names = Array.isArray(hooks) ? hooks.filter((hook) => typeof hook === "string") : [];
  return { manifest, handlers: new Map(names.map((hook) => [hook, plugin.handler(hook)])) };
}

/**
 * A module with its current instance. An instance in which a call failed is discarded, as its memory may be
 * inconsistent.
 */
class WasmPlugin {
  readonly #module: WebAssembly.Module;
  readonly #log: WriteLog;
  readonly manifest: Record<string, unknown>;
  #instance: WasmInstance | undefined;

  constructor(module: WebAssembly.Module, log: WriteLog) {
    this.#module = module;
    this.#log = log;
    this.#instance = new WasmInstance(module, log);
    this.manifest = this.#instance.manifest();
  }

  handler(hook: string): Handler {
    return (context, tools) => {
      const { config } = tools as { readonly config?: unknown };
      const answer = this.#ask({ hook, context, config });
      if (answer === undefined) return undefined;
      const { value, error } = answer as { readonly value?: unknown; readonly error?: unknown };
      if (typeof error === "string") throw new Error(error);
      if (value === undefined) throw new Error("tsd_hook gave neither a value nor an error");
      return value;
    };
  }

  #ask(call: unknown): unknown {
    const instance = this.#instance ??= this.#newInstance();
    try {
      return instance.hook(call);
    } catch (thrown) {
      this.#instance = undefined;
      throw thrown;
    }
  }

  /** Creates an instance in the same state as the first one: `tsd_manifest` is called before any hook. */
  #newInstance(): WasmInstance {
    const instance = new WasmInstance(this.#module, this.#log);
    instance.manifest();
    return instance;
  }
}

class WasmInstance {
  readonly #exports: Exports;

  constructor(module: WebAssembly.Module, log: WriteLog) {
    const imports = {
      env: {
        abort: () => {
          throw new Error("the module aborted");
        },
      },
      tsd: {
        log: (level: number, address: number, size: number) => {
          log(LOG_LEVELS[level] ?? "info", this.#text(address, size));
        },
      },
    };
    const { exports } = new WebAssembly.Instance(module, imports);
    for (const name of ["tsd_alloc", "tsd_manifest", "tsd_hook"]) {
      if (typeof exports[name] !== "function") throw new Error(`the module doesn't export ${name}`);
    }
    if (!(exports.memory instanceof WebAssembly.Memory)) throw new Error("the module doesn't export its memory");
    this.#exports = exports as unknown as Exports;
  }

  manifest(): Record<string, unknown> {
    const parsed = this.#json(this.#exports.tsd_manifest());
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
      return parsed as Record<string, unknown>;
    }
    throw new Error("tsd_manifest gave no object");
  }

  /**
   * Returns the parsed answer.
   * @throws Error on a trap, or if the answer is not JSON
   */
  hook(call: unknown): unknown {
    const json = new TextEncoder().encode(JSON.stringify(call));
    const address = this.#exports.tsd_alloc(json.length);
    this.#bytes(address, json.length).set(json);
    return this.#json(this.#exports.tsd_hook(address, json.length));
  }

  #json(where: bigint): unknown {
    const [address, size] = [Number(where >> 32n), Number(where & 0xffff_ffffn)];
    return address === 0 ? undefined : JSON.parse(this.#text(address, size)) ?? undefined;
  }

  #text(address: number, size: number): string {
    return new TextDecoder("utf-8", { fatal: true }).decode(this.#bytes(address, size).slice());
  }

  /** Returns a view that is valid until the module runs again, because its memory may move when it grows. */
  #bytes(address: number, size: number): Uint8Array<ArrayBuffer> {
    // WebAssembly integers are passed to JavaScript as signed.
    const [from, length] = [address >>> 0, size >>> 0];
    const { buffer } = this.#exports.memory;
    if (from + length <= buffer.byteLength) return new Uint8Array(buffer as ArrayBuffer, from, length);
    throw new Error(`it points outside its memory (${length} bytes at ${from})`);
  }
}
