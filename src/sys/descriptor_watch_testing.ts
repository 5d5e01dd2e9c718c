/**
 * For tests only: finds leaked file descriptors. The runtime opens and closes descriptors at any time (a Worker that
 * starts, a thread that ends), so comparing counts proves nothing: only new descriptors that stay open are leaks.
 */
import { strict as assert } from "node:assert";

const TIMEOUT_MS = 3000;

/** Counts the open descriptors by target (the link in /proc/self/fd). */
function openDescriptors(): Map<string, number> {
  const targets = new Map<string, number>();
  for (const { name } of [...Deno.readDirSync("/proc/self/fd")]) {
    try {
      const target = Deno.readLinkSync(`/proc/self/fd/${name}`);
      targets.set(target, (targets.get(target) ?? 0) + 1);
    } catch (thrown) { // the descriptor that read this directory, or one closed meanwhile
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    }
  }
  return targets;
}

/** Records the open descriptors. The returned function fails if others are still open after 3 s. */
export function watchDescriptors(): () => Promise<void> {
  const before = openDescriptors();
  const added = () => [...openDescriptors()].filter(([target, count]) => count > (before.get(target) ?? 0));
  return async () => {
    const end = performance.now() + TIMEOUT_MS;
    while (added().length > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(added(), [], "no descriptor stays");
  };
}
