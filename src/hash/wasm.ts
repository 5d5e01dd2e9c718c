/**
 * @module
 * The `wasm` engine: our own kernels ({@link MultiBufferSha256}), one instance for each thread, which batches the streams that
 * are hashed there at the same time.
 */
import type { Hasher } from "./mod.ts";
import { type HashState, type Lane, MultiBufferSha256 } from "./multi_buffer.ts";
import * as kernels from "./sha256.wasm";

/** This thread's streams. */
const lanes = new MultiBufferSha256(kernels);

/** A hasher that nobody finished (its stream broke) gives its place back when it is collected as garbage. */
const abandoned = new FinalizationRegistry((lane: Lane) => lanes.abandon(lane));

/** A hasher in this thread's batch; from where another one was suspended, if that is given. */
export function wasmSha256(from?: HashState): Hasher & Required<Pick<Hasher, "suspend">> {
  const lane = lanes.open(from);
  let isOver = false;
  // By then its place may be another stream's.
  const refuseOver = () => {
    if (isOver) throw new Error("This hash has ended");
  };
  const ended = <T>(end: (lane: Lane) => T): T => {
    refuseOver();
    isOver = true;
    abandoned.unregister(hasher);
    return end(lane);
  };
  const hasher = {
    update: (bytes: Uint8Array) => {
      refuseOver();
      lanes.update(lane, bytes);
    },
    digestHex: () => ended((lane) => lanes.finish(lane)),
    suspend: () => ended((lane) => lanes.suspend(lane)),
  };
  abandoned.register(hasher, lane, hasher);
  return hasher;
}
