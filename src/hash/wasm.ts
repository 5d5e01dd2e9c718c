/**
 * @module
 * The `wasm` engine: the kernels of this project ({@link MultiBufferSha256}), one instance per thread, which batches
 * the streams hashed at the same time.
 */
import type { Hasher } from "./mod.ts";
import { type HashState, type Lane, MultiBufferSha256 } from "./multi_buffer.ts";
import * as kernels from "./sha256.wasm";

/** The streams of this thread. */
const lanes = new MultiBufferSha256(kernels);

/** Reuses the lane of a hasher that was never finished (its stream failed) once it is garbage-collected. */
const abandoned = new FinalizationRegistry((lane: Lane) => lanes.abandon(lane));

/**
 * Creates a hasher in this thread's batch.
 * @param from state of a suspended hasher to continue
 */
export function wasmSha256(from?: HashState): Hasher & Required<Pick<Hasher, "suspend">> {
  const lane = lanes.open(from);
  let hasEnded = false;
  // After its end, its lane may belong to another stream.
  const assertNotEnded = () => {
    if (hasEnded) throw new Error("This hash has ended");
  };
  const ended = <T>(end: (lane: Lane) => T): T => {
    assertNotEnded();
    hasEnded = true;
    abandoned.unregister(hasher);
    return end(lane);
  };
  const hasher = {
    update: (bytes: Uint8Array) => {
      assertNotEnded();
      lanes.update(lane, bytes);
    },
    digestHex: () => ended((lane) => lanes.finish(lane)),
    suspend: () => ended((lane) => lanes.suspend(lane)),
  };
  abandoned.register(hasher, lane, hasher);
  return hasher;
}
