/** The value of the xattr `security.capability` (linux/capability.h, VFS_CAP_REVISION_2), as setcap would write it. */
import type { Bytes } from "./bytes.ts";

export const CAP_NET_BIND_SERVICE = 10;
export const CAP_NET_RAW = 13;

/** Returns the value for the given capabilities (by number), permitted and effective ("=ep"). */
export function fileCapability(...capabilities: number[]): Bytes {
  const view = new DataView(new ArrayBuffer(20));
  view.setUint32(0, 0x02000001, true);
  for (const capability of capabilities) {
    const at = capability < 32 ? 4 : 12;
    view.setUint32(at, view.getUint32(at, true) | (1 << (capability % 32)), true);
  }
  return new Uint8Array(view.buffer);
}
