/**
 * @module
 * `./dev wasm`: compiles the hash kernels, `src/hash/sha256.as.ts` (AssemblyScript), to `src/hash/sha256.wasm`, which is
 * committed. A test builds it again and compares, so that it is always what its source says.
 */
import { join } from "node:path";
import asc from "assemblyscript/asc";
import { CommandFailed, PROJECT_DIR } from "./project.ts";

export const KERNELS_SOURCE = join(PROJECT_DIR, "src/hash/sha256.as.ts");
export const KERNELS_WASM = join(PROJECT_DIR, "src/hash/sha256.wasm");

const ENTRY = "sha256.ts";
const OUTPUT = "sha256.wasm";
/** No runtime: the kernels allocate nothing. Memory starts at one page (64 KiB) and is grown by its user. */
const OPTIONS = ["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd", "--initialMemory", "1"];

/** Compiles the kernels. @throws {CommandFailed} with the compiler's messages */
export async function buildKernels(source: string): Promise<Uint8Array<ArrayBuffer>> {
  let built: Uint8Array | undefined;
  const { error, stderr } = await asc.main([ENTRY, "--outFile", OUTPUT, ...OPTIONS], {
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
  const wasm = await buildKernels(await Deno.readTextFile(KERNELS_SOURCE));
  await Deno.writeFile(KERNELS_WASM, wasm);
  console.log(`${KERNELS_WASM}: ${wasm.length} bytes`);
}
