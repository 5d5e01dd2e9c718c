/** Settings of the kernel's networks, of the network namespace that the engine is in. */
import { TsdError } from "../../errors.ts";

/** @throws {TsdError} runtime_failed */
export function setKernel(path: string, value: string): void {
  try {
    Deno.writeTextFileSync(path, value);
  } catch (cause) {
    throw new TsdError("runtime_failed", `Cannot set ${path} to ${value}, which containers' networks need`, { cause });
  }
}
