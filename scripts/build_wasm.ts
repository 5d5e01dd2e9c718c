/**
 * @module
 * `./dev wasm`: compiles AssemblyScript to the modules that are committed beside it. A test builds them again and compares,
 * so that they are always what their sources say.
 */
import { join } from "node:path";
import asc from "assemblyscript/asc";
import { CommandFailed, PROJECT_DIR } from "./project.ts";

/** A module: its source is `path` with `.as.ts`, and what is built `path` with `.wasm`. */
export interface WasmModule {
  readonly path: string;
  readonly options: readonly string[];
}

export const WASM_MODULES: readonly WasmModule[] = [
  // No runtime: the kernels allocate nothing. Memory starts at one page (64 KiB) and is grown by its user.
  // The passes only fold constants (V8 checks an address that isn't one against the memory's end) and drop copies. `-O1` to
  // `-O3` also move sums to where they are first used, some rounds later. V8 keeps that order, runs out of registers, and
  // what comes out is slower by up to a sixth.
  {
    path: "src/hash/sha256",
    options: [
      ...["--runPasses", "precompute-propagate,coalesce-locals,vacuum"],
      ...["--noAssert", "--runtime", "stub", "--enable", "simd", "--initialMemory", "1"],
    ],
  },
  { path: "examples/plugins/owner_guard", options: ["-Os", "--noAssert", "--runtime", "stub"] },
];

export const sourceOf = ({ path }: WasmModule) => join(PROJECT_DIR, `${path}.as.ts`);
export const builtOf = ({ path }: WasmModule) => join(PROJECT_DIR, `${path}.wasm`);

const ENTRY = "module.ts";
const OUTPUT = "module.wasm";

/** Compiles a module's source. @throws {CommandFailed} with the compiler's messages */
export async function buildWasm(source: string, options: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  let built: Uint8Array | undefined;
  const { error, stderr } = await asc.main([ENTRY, "--outFile", OUTPUT, ...options], {
    readFile: (name: string) => name === ENTRY ? source : null,
    writeFile: (name: string, contents: Uint8Array | string) => {
      if (name === OUTPUT && typeof contents !== "string") built = contents;
    },
    listFiles: () => [],
  });
  if (error !== null || built === undefined) throw new CommandFailed(`asc failed: ${stderr.toString()}${error ?? ""}`);
  return new Uint8Array(built);
}

if (import.meta.main) {
  for (const module of WASM_MODULES) {
    const wasm = await buildWasm(await Deno.readTextFile(sourceOf(module)), module.options);
    await Deno.writeFile(builtOf(module), wasm);
    console.log(`${builtOf(module)}: ${wasm.length} bytes`);
  }
}
